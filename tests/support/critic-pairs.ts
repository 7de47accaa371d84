/**
 * Generated items for the critic: told facts, a question, a reply and its verdict, by kinds of faults. Seeded. The held-out
 * part has other sentences and other values than the first one.
 */
import type { KnownFact } from '../../server/critic/verdict.ts'
import type { Random } from '../../trainer/random.ts'
import { ATTRIBUTES, BEINGS, DENIALS, SMALL_TALK, type Attribute, type Part } from './critic-words.ts'

export const KINDS = [
  'repeat',
  'paraphrase',
  'swapped',
  'near number',
  'stale',
  'corrected',
  'merged subjects',
  'denied',
  'never told',
  'says not told',
  'small talk',
] as const
export type Kind = (typeof KINDS)[number]

export type Expected = 'supported' | 'contradicted' | 'unchecked' | 'invented'

export interface CriticItem {
  readonly kind: string
  readonly facts: readonly KnownFact[]
  readonly question: string
  readonly reply: string
  readonly expected: Expected
}

/** An item of a kind, of the first or the held-out part. */
export function criticItem(random: Random, kind: Kind, part: Part): CriticItem {
  const attribute = random.pick(
    ATTRIBUTES.filter(({ values }) => kind !== 'near number' || /^\d+$/u.test(values[part][0]!)),
  )
  const [value, other] = twoOf(random, attribute.values[part])
  const question = random.pick(attribute.questions[part])
  const known = (value: string, id = 'f1', holds = true): KnownFact => {
    const text = random.pick(attribute.tellings[part]).replace('{}', value)
    return { id, subject: 'user', attribute: attribute.name, value, text, holds }
  }
  const say = (value: string, at: 'replies' | 'paraphrases' = 'replies'): string =>
    random.pick(attribute[at][part]).replace('{}', value)
  const item = (facts: readonly KnownFact[], reply: string, expected: Expected): CriticItem => {
    return { kind, facts, question, reply, expected }
  }
  switch (kind) {
    case 'repeat':
      return item([known(value)], say(value), 'supported')
    case 'paraphrase':
      return item([known(value)], say(value, 'paraphrases'), 'supported')
    case 'swapped':
      return item([known(value)], say(other, random.pick(['replies', 'paraphrases'])), 'contradicted')
    case 'near number':
      return item([known(value)], say(swapDigits(value)), 'contradicted')
    case 'stale':
      return item([known(other, 'f1', false), known(value, 'f2')], say(other), 'contradicted')
    case 'corrected':
      return item([known(other, 'f1', false), known(value, 'f2')], say(value), 'supported')
    case 'merged subjects':
      return mergedSubjects(random, part)
    case 'denied':
      return item([known(value)], denial(random, attribute, part), 'contradicted')
    case 'never told':
      return item(others(random, attribute, part), say(value), 'invented')
    case 'says not told':
      return item(others(random, attribute, part), denial(random, attribute, part), 'supported')
    default:
      return { kind, facts: [known(value)], ...random.pick(SMALL_TALK[part]), expected: 'unchecked' }
  }
}

function mergedSubjects(random: Random, part: Part): CriticItem {
  const [one, other] = twoOf(random, BEINGS[part].subjects)
  const [first, second] = twoOf(random, BEINGS[part].names)
  const known = (id: string, subject: string, value: string): KnownFact => {
    const text = random.pick(BEINGS[part].tellings).replace('{who}', subject).replace('{}', value)
    return { id, subject, attribute: 'name', value, text, holds: true }
  }
  const isRight = random.chance(0.5)
  return {
    kind: 'merged subjects',
    facts: [known('f1', one, first), known('f2', other, second)],
    question: random.pick(BEINGS[part].questions).replace('{who}', one),
    reply: random
      .pick(BEINGS[part].replies)
      .replace('{who}', one)
      .replace('{}', isRight ? first : second),
    expected: isRight ? 'supported' : 'contradicted',
  }
}

/** A fact about something else. */
function others(random: Random, but: Attribute, part: Part): KnownFact[] {
  const attribute = random.pick(ATTRIBUTES.filter(({ name }) => name !== but.name))
  const value = random.pick(attribute.values[part])
  const text = random.pick(attribute.tellings[part]).replace('{}', value)
  return [{ id: 'f1', subject: 'user', attribute: attribute.name, value, text, holds: true }]
}

function denial(random: Random, attribute: Attribute, part: Part): string {
  return random.pick(DENIALS[part]).replace('{what}', `your ${attribute.name}`)
}

function twoOf(random: Random, list: readonly string[]): readonly [string, string] {
  const first = random.pick(list)
  return [first, random.pick(list.filter((one) => one !== first))]
}

/** The number with two neighbouring digits that differ changed round. */
function swapDigits(value: string): string {
  const at = Array.from(value).findIndex((digit, i) => i + 1 < value.length && digit !== value[i + 1])
  return `${value.slice(0, at)}${value[at + 1]}${value[at]}${value.slice(at + 2)}`
}
