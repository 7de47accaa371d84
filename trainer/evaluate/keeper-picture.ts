/** Recall of told facts as a picture. */
import { drawChart, type Series } from '../picture/chart.ts'
import { percentText, shortNumber } from '../picture/text.ts'
import type { RecallResult } from './keeper.ts'
import type { Condition, RecallCell } from './keeper-tally.ts'

/** A result and the name of what was measured. */
export interface NamedRecall {
  readonly name: string
  readonly result: RecallResult
}

/** The share right over the number of facts, after the shortest and the longest small talk, with 95 % intervals. */
export function recallPicture(systems: readonly NamedRecall[], condition: Condition): string {
  const cells = (result: RecallResult): RecallCell[] => result.cells.filter((cell) => cell.condition === condition)
  const distances = [...new Set(systems.flatMap(({ result }) => cells(result).map(({ distance }) => distance)))]
  const [nearest, farthest] = [Math.min(...distances), Math.max(...distances)]
  const series = systems.flatMap(({ name, result }) =>
    [...new Set([nearest, farthest])].map((distance): Series => {
      const own = cells(result).filter((cell) => cell.distance === distance)
      return { name: `${systems.length > 1 ? `${name}, ` : 'after '}${turns(distance)}`, points: own.map(pointOf) }
    }),
  )
  const guess = cells(systems[0]!.result).filter((cell) => cell.distance === nearest)
  return drawChart({
    title: finding(systems[0]!, condition, farthest),
    subtitle: `${about[condition]} ${tokensOf(cells(systems[0]!.result), farthest)}Vertical bars: 95 % intervals.`,
    panels: [
      {
        x: { title: 'facts told in the conversation', kind: 'log' },
        y: { title: 'answered right, %', domain: [0, 100] },
        series: [
          ...series.filter(({ points }) => points.length > 0),
          {
            name: 'guess among the told values',
            points: guess.map(({ facts, chanceTold }) => ({ x: facts, y: 100 * chanceTold })),
            isReference: true,
          },
        ],
      },
    ],
  })
}

const about: Readonly<Record<Condition, string>> = {
  train: 'Values that training may have shown.',
  heldout: 'Values that training never showed.',
  unseen: 'Values and wordings that training never showed.',
  corrected: 'Each fact was corrected once; the new value is asked.',
  untold: 'What is asked was never told; right is not to know.',
}

const pointOf = ({ facts, share, interval: [low, high] }: RecallCell) => ({
  x: facts,
  y: 100 * share,
  low: 100 * low,
  high: 100 * high,
})

const turns = (distance: number): string => `${distance} turn${distance === 1 ? '' : 's'}`

/** How long the longest small talk is in tokens, where they were counted. */
function tokensOf(cells: readonly RecallCell[], distance: number): string {
  const own = cells.filter((cell) => cell.distance === distance && cell.distanceTokens > 0)
  const tokens = own.reduce((sum, cell) => sum + cell.distanceTokens, 0) / own.length
  return own.length === 0 ? '' : `${turns(distance)} of small talk are ${shortNumber(tokens)} tokens. `
}

/** The most facts of which nine tenths are known at the longest distance, and what comes after it. */
function finding({ name, result }: NamedRecall, condition: Condition, distance: number): string {
  const own = result.cells
    .filter((cell) => cell.condition === condition && cell.distance === distance)
    .toSorted((a, b) => a.facts - b.facts)
  const [first] = own
  if (!first) return `${name}: nothing was measured`
  const known = own.findLast((cell) => cell.share >= 0.9) ?? first
  const next = own[own.indexOf(known) + 1]
  const facts = (count: number): string => `${count} fact${count === 1 ? '' : 's'}`
  const after = `after ${turns(distance)} of small talk`
  return `${name} answers ${percentText(known.share)} right for ${facts(known.facts)}${next ? `, ${percentText(next.share)} for ${next.facts}` : ''}, ${after}`
}
