/** People's questions beside the telling that answers them and one that is near to it and does not. */
import type { Random } from '../../random.ts'
import type { Part } from '../notes/values.ts'
import { NEAREST, nearTexts } from './near-texts.ts'
import type { Triple } from './triple.ts'
import { peopleLines, type PeopleLine } from './people.ts'
import { tellings, type Telling } from './tellings.ts'

/** How often a telling looks for its question, beside a near question, instead of a question for its telling. */
const REVERSED = 0.4
const TRIES = 50

/** How often what stands beside the answer was told of the same subject. */
const OF_SUBJECT = 0.5

interface Tellings {
  readonly all: readonly Telling[]
  /** Of each the numbers of those near to it, nearest first. */
  readonly near: readonly (readonly number[])[]
}

const drawn = new Map<Part, Tellings>()

/** Draws a triple of subjects none of whose texts are among those `taken` in the same batch, to which it adds theirs. */
export function peopleTriple(random: Random, part: Part, taken: Set<string>): Triple {
  const { all, near } = drawnFrom(part)
  const isFree = (at: number): boolean => all[at]!.texts.every((text) => !taken.has(text))
  const take = (draw: () => number): Telling => {
    let at = draw()
    for (let tries = 1; !isFree(at) && tries < TRIES; tries++) at = tries < NEAREST ? draw() : random.int(all.length)
    for (const text of all[at]!.texts) taken.add(text)
    return all[at]!
  }
  let at = 0
  const telling = take(() => (at = random.int(all.length)))
  const question = random.pick(telling.asks)
  if (random.chance(REVERSED)) return [telling.told, question, random.pick(telling.near)]
  if (telling.beside.length > 0 && random.chance(OF_SUBJECT))
    return [question, telling.told, random.pick(telling.beside)]
  const other = take(() => (near[at]!.length > 0 ? random.pick(near[at]!) : random.int(all.length)))
  return [question, telling.told, other.told]
}

function drawnFrom(part: Part): Tellings {
  const known = drawn.get(part)
  if (known) return known
  const all = tellings(part)
  const made = { all, near: nearOf(all) }
  drawn.set(part, made)
  return made
}

export interface Lines {
  readonly lines: readonly PeopleLine[]
  /** Of each line those whose tellings are near to its own, nearest first. */
  readonly near: readonly (readonly number[])[]
}

const parts = new Map<Part, Lines>()

/** The lines of a part with what is near to each; found once. */
export function tellingsOf(part: Part): Lines {
  const known = parts.get(part)
  if (known) return known
  const lines = peopleLines(part)
  const made = { lines, near: nearOf(lines) }
  parts.set(part, made)
  return made
}

const nearOf = (all: readonly Pick<Telling, 'told' | 'asks'>[]): number[][] =>
  nearTexts(
    all.map(({ told }) => told),
    all.map(({ asks }) => asks.join(' ')),
  )
