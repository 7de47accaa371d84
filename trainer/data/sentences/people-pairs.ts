/** People's questions beside the telling that answers them and one that is near to it and does not. */
import type { Random } from '../../random.ts'
import { byPart } from '../by-part.ts'
import type { Part } from '../notes/values.ts'
import { NEAREST, nearTexts } from './near-texts.ts'
import type { Triple } from './triple.ts'
import { peopleLines } from './people.ts'
import { tellings, type Telling } from './tellings.ts'

/** How often a telling looks for its question, beside a near question, instead of a question for its telling. */
const REVERSED = 0.4
const TRIES = 50

/** How often what stands beside the answer was told of the same subject. */
const OF_SUBJECT = 0.5

/** Lines of a part with what is near to each. */
interface Lines<Line> {
  readonly lines: readonly Line[]
  /** Of each the numbers of those whose tellings are near to its own, nearest first. */
  readonly near: readonly (readonly number[])[]
}

/** The lines of each part with what is near to them, found once. */
function linesByPart<Line extends Pick<Telling, 'told' | 'asks'>>(
  linesOf: (part: Part) => readonly Line[],
): (part: Part) => Lines<Line> {
  return byPart((part) => {
    const lines = linesOf(part)
    const near = nearTexts(
      lines.map(({ told }) => told),
      lines.map(({ asks }) => asks.join(' ')),
    )
    return { lines, near }
  })
}

/** People's lines, each of a subject of its own. */
export const peopleLinesOf = linesByPart(peopleLines)
/** All messages that people told, those of one subject among them. */
export const tellingsOf = linesByPart(tellings)

/** Draws a triple of subjects none of whose texts are among those `taken` in the same batch, to which it adds theirs. */
export function peopleTriple(random: Random, part: Part, taken: Set<string>): Triple {
  const { lines: all, near } = tellingsOf(part)
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
