/** People's questions beside the telling that answers them and one that is near to it and does not. */
import type { Random } from '../../random.ts'
import type { Part } from '../notes/values.ts'
import type { Triple } from './triple.ts'
import { peopleLines, textsOfLine, type PeopleLine } from './people.ts'

/** Tellings that are kept as near to each. */
const NEAREST = 8
/** Words of more of the lines than this say nothing of what a line is about. */
const MOST_LINES = 0.05
/** How often a telling looks for its question, beside a near question, instead of a question for its telling. */
const REVERSED = 0.3
const TRIES = 50

export interface Lines {
  readonly lines: readonly PeopleLine[]
  /** Of each line those whose tellings are near to its own, nearest first. */
  readonly near: readonly (readonly number[])[]
}

const parts = new Map<Part, Lines>()

/** Draws a triple of lines none of whose texts are among those `taken` in the same batch, to which it adds theirs. */
export function peopleTriple(random: Random, part: Part, taken: Set<string>): Triple {
  const { lines, near } = tellingsOf(part)
  const isFree = (at: number): boolean => textsOfLine(lines[at]!).every((text) => !taken.has(text))
  const take = (draw: () => number): PeopleLine => {
    let at = draw()
    for (let tries = 1; !isFree(at) && tries < TRIES; tries++) at = tries < NEAREST ? draw() : random.int(lines.length)
    for (const text of textsOfLine(lines[at]!)) taken.add(text)
    return lines[at]!
  }
  let at = 0
  const line = take(() => (at = random.int(lines.length)))
  const question = random.pick(line.asks)
  if (random.chance(REVERSED)) return [line.told, question, random.pick(line.near)]
  return [
    question,
    line.told,
    take(() => (near[at]!.length > 0 ? random.pick(near[at]!) : random.int(lines.length))).told,
  ]
}

/** The lines of a part with what is near to each; found once. */
export function tellingsOf(part: Part): Lines {
  const known = parts.get(part)
  if (known) return known
  const lines = peopleLines(part)
  const made = { lines, near: nearTellings(lines) }
  parts.set(part, made)
  return made
}

/**
 * Lines share rare words in their tellings and not in their questions: where those are alike as well, the other telling may
 * be an answer too.
 */
function nearTellings(lines: readonly PeopleLine[]): number[][] {
  const told = sharedWords(lines.map((line) => line.told))
  const asked = sharedWords(lines.map(({ asks }) => asks.join(' ')))
  return lines.map((_, at) => {
    const asks = asked(at)
    const scores = [...told(at)].map(([other, score]) => [other, score - 2 * (asks.get(other) ?? 0)] as const)
    const near = scores.filter(([other, score]) => other !== at && score > 0).toSorted(([, a], [, b]) => b - a)
    return near.slice(0, NEAREST).map(([other]) => other)
  })
}

/** For each text those that share words with it, and the sum of how rare those are. */
function sharedWords(texts: readonly string[]): (at: number) => Map<number, number> {
  const words = texts.map((text) => [...new Set(text.toLowerCase().match(/[\p{L}\p{N}]+/gu))])
  const having = new Map<string, number[]>()
  for (const [at, own] of words.entries())
    for (const word of own) {
      const list = having.get(word)
      if (list) list.push(at)
      else having.set(word, [at])
    }
  return (at) => {
    const scores = new Map<number, number>()
    for (const word of words[at]!) {
      const list = having.get(word)!
      if (list.length > Math.max(2, MOST_LINES * texts.length)) continue
      const rarity = Math.log(texts.length / list.length)
      for (const other of list) scores.set(other, (scores.get(other) ?? 0) + rarity)
    }
    return scores
  }
}
