/** Pictures of a training run and of recall, as SVG texts. */
import { parse, View } from 'vega'
import { compile, type TopLevelSpec } from 'vega-lite'
import type { RecallResult } from './evaluate/keeper.ts'
import type { Condition } from './evaluate/keeper-tally.ts'

/** One line of metrics.jsonl, as far as a picture needs it. */
export interface CurvePoint {
  readonly step: number
  readonly loss?: number
  readonly heldOutLoss?: number
  readonly learningRate?: number
}

/** The loss (training, and held-out where it was measured) above the learning rate, over the steps. */
export function trainingPicture(points: readonly CurvePoint[], title: string): Promise<string> {
  const losses = points.flatMap(({ step, loss, heldOutLoss }) => [
    ...(loss === undefined ? [] : [{ step, loss, data: 'training' }]),
    ...(heldOutLoss === undefined ? [] : [{ step, loss: heldOutLoss, data: 'held out' }]),
  ])
  const rates = points.flatMap(({ step, learningRate }) => (learningRate === undefined ? [] : [{ step, learningRate }]))
  const x = { field: 'step', type: 'quantitative' } as const
  const lossPanel = {
    width: 560,
    height: 260,
    data: { values: losses },
    mark: 'line',
    encoding: {
      x,
      y: { field: 'loss', type: 'quantitative', scale: { zero: false } },
      color: { field: 'data', type: 'nominal', title: null, sort: ['training', 'held out'] },
    },
  } as const
  const ratePanel = {
    width: 560,
    height: 100,
    data: { values: rates },
    mark: 'line',
    encoding: { x, y: { field: 'learningRate', type: 'quantitative', title: 'learning rate' } },
  } as const
  return toSvg({ ...page, title, vconcat: rates.length > 0 ? [lossPanel, ratePanel] : [lossPanel] })
}

/**
 * Recall of named systems for one condition: a panel for each number of facts, the distance across on a logarithmic
 * scale, with 95 % intervals and a dashed line for a guess among what was told.
 */
export function recallPicture(
  results: Readonly<Record<string, RecallResult>>,
  condition: Condition,
  title: string,
): Promise<string> {
  const values = Object.entries(results).flatMap(([system, { cells }]) =>
    cells
      .filter((cell) => cell.condition === condition)
      .map(({ facts, distance, share, interval: [low, high], chanceTold: guess }) => ({
        system,
        panel: `${facts} ${facts === 1 ? 'fact' : 'facts'}`,
        // A logarithmic scale has no place for 0 turns.
        distance: distance + 1,
        share,
        low,
        high,
        guess,
      })),
  )
  const panels = [...new Set(values.map(({ panel }) => panel))]
  const x = {
    field: 'distance',
    type: 'quantitative',
    scale: { type: 'log' },
    title: 'turns of small talk + 1',
  } as const
  const share = { type: 'quantitative' as const, scale: { domain: [0, 1] }, title: 'answered right' }
  const color = { field: 'system', type: 'nominal', title: null } as const
  return toSvg({
    ...page,
    title,
    data: { values },
    columns: 4,
    facet: { field: 'panel', type: 'nominal', title: null, sort: panels },
    spec: {
      width: 150,
      height: 130,
      layer: [
        {
          mark: { type: 'errorband', opacity: 0.2 },
          encoding: { x, y: { field: 'low', ...share }, y2: { field: 'high' }, color },
        },
        { mark: { type: 'line', point: true }, encoding: { x, y: { field: 'share', ...share }, color } },
        { mark: { type: 'line', strokeDash: [4, 4], color: 'gray' }, encoding: { x, y: { field: 'guess', ...share } } },
      ],
    },
  })
}

/** What every picture starts from. */
export const page = { $schema: 'https://vega.github.io/schema/vega-lite/v5.json', background: 'white' } as const

/** The picture of a Vega-Lite specification. */
export async function toSvg(spec: TopLevelSpec): Promise<string> {
  const view = new View(parse(compile(spec).spec), { renderer: 'none' })
  try {
    return await view.toSVG()
  } finally {
    view.finalize()
  }
}
