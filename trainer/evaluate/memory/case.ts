/** What a user tells, corrects, takes back, and is asked about much later: generated, with the one right answer. */
import { drawValue, type Part } from '../../data/notes/values.ts'
import { ask, correct, tell } from '../../data/notes/stems.ts'
import { meaningOf, type Topic } from '../../data/notes/topic.ts'
import { topics } from '../../data/notes/topics.ts'
import type { Random } from '../../random.ts'

export const kinds = ['told', 'corrected', 'chain', 'forgotten', 'deleted', 'cascade', 'untold'] as const

/**
 * `told` once. `corrected` in a later message. `chain`: several values one after another, the latest holds, as in
 * MemoryAgentBench's FactConsolidation. `forgotten`: taken back in words. `deleted`: its memory is deleted over HTTP.
 * `cascade`: what it belonged to is gone, as in MEME. `untold`: never told.
 */
export type Kind = (typeof kinds)[number]

export interface MemoryCase {
  readonly kind: Kind
  /** Messages that tell, each of a turn of its own, in this order. */
  readonly tells: readonly string[]
  readonly asks: string
  /** The right answer; null: that it is not known, or not any more. */
  readonly value: string | null
  /** Values that do not hold any more. */
  readonly stale: readonly string[]
}

/** Things that a user may lose, with what belongs to them. */
const belongings: readonly (readonly [thing: string, gone: string, attributes: readonly string[]])[] = [
  ['dog', 'My dog died.', ['vet', 'favorite toy', 'breeder', 'groomer']],
  ['cat', "I don't have a cat anymore.", ['vet', 'favorite toy', 'chip number', 'groomer']],
  ['car', 'I sold my car.', ['license plate', 'mechanic', 'parking spot', 'insurance number']],
  ['boat', 'I sold the boat.', ['name', 'harbor', 'berth number', 'skipper']],
  ['horse', 'I no longer have a horse.', ['name', 'stable', 'vet', 'rider']],
  ['tenant', "I don't have a tenant anymore.", ['name', 'job', 'phone number', 'employer']],
]

/** Cases of one user, of `count` of each kind; no two are about one topic. Throws RangeError for too many. */
export function drawCases(random: Random, wanted: readonly Kind[], count: number, part: Part): MemoryCase[] {
  // What goes with a thing that is lost is told in no other case: my license plate is my car's.
  const isLost = ({ noun }: Topic): boolean =>
    belongings.some(([thing, , attributes]) => new RegExp(`\\b${thing}\\b`).test(noun) || attributes.includes(noun))
  const all = differentTopics()
  const free = random.shuffle(wanted.includes('cascade') ? all.filter((topic) => !isLost(topic)) : all)
  const lost = random.shuffle(
    belongings.flatMap(([thing, gone, attributes]) => attributes.map((attribute) => ({ thing, gone, attribute }))),
  )
  const cases = wanted.flatMap((kind) =>
    Array.from({ length: count }, () => {
      if (kind !== 'cascade') return drawCase(random, kind, nextOf(free, kind), part)
      const { thing, gone, attribute } = nextOf(lost, kind)
      const value = drawValue(random, /number|plate|spot/.test(attribute) ? 'code' : 'person', part)
      const tells = [`My ${thing}'s ${attribute} is ${value}.`, gone]
      return { kind, tells, asks: `What is my ${thing}'s ${attribute}?`, value: null, stale: [value] }
    }),
  )
  return random.shuffle(cases)
}

/** One topic of those that mean the same. */
function differentTopics(): Topic[] {
  return [...new Map(topics.map((topic) => [thingOf(topic), topic])).values()]
}

/** Who tells a username and has a login name forgotten has it forgotten. */
const thingOf = (topic: Topic): string => meaningOf(topic).replace(/^(?:login|screen) name$/, 'username')

function nextOf<T>(left: T[], kind: Kind): T {
  const next = left.pop()
  if (next === undefined) throw new RangeError(`memory: expected fewer cases of ${kind}: a user's topics are used up`)
  return next
}

function drawCase(random: Random, kind: Exclude<Kind, 'cascade'>, topic: Topic, part: Part): MemoryCase {
  const asks = ask(random, topic, part)
  const values = differentValues(random, topic, kind === 'chain' ? random.between(3, 5) : 2, part)
  const [first, second] = values as [string, string]
  const told = tell(random, topic, first, part)
  if (kind === 'untold') return { kind, tells: [], asks, value: null, stale: [] }
  if (kind === 'told') return { kind, tells: [told], asks, value: first, stale: [] }
  if (kind === 'corrected') {
    const tells = [told, corrected(random, topic, second, first, part)]
    return { kind, tells, asks, value: second, stale: [first] }
  }
  if (kind === 'chain') {
    const tells = [told, ...values.slice(1).map((value, i) => corrected(random, topic, value, values[i]!, part))]
    return { kind, tells, asks, value: values.at(-1)!, stale: values.slice(0, -1) }
  }
  const tells = kind === 'deleted' ? [told] : [told, random.pick(forgets).replace('{a}', topic.noun)]
  return { kind, tells, asks, value: null, stale: [first] }
}

/** Topics of which one can have several values at once. */
const ADDITIVE =
  /(?:^|'s )(?:hobby|allergy|(?:first )?language|instrument|medicine)$|'s (?:name|favorite food)$|^(?:son|daughter|brother|sister|best friend)$/

/** A correction; where values could add up, one that names the value that it replaces: nobody else knows that it does. */
function corrected(random: Random, topic: Topic, value: string, before: string, part: Part): string {
  for (;;) {
    const said = correct(random, topic, value, before, part)
    if (!ADDITIVE.test(topic.noun) || said.includes(before)) return said
  }
}

const forgets = ['Forget my {a}.', 'Please forget my {a}.', 'Forget about my {a}.', 'forget my {a} please']

/** Values of which none is part of another. */
function differentValues(random: Random, { kind }: Topic, count: number, part: Part): string[] {
  const found: string[] = []
  while (found.length < count) {
    const value = drawValue(random, kind, part)
    if (!found.some((other) => other.includes(value) || value.includes(other))) found.push(value)
  }
  return found
}
