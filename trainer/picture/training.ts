/** The picture of a training run. */
import { drawChart, type Panel } from './chart.ts'
import { shortNumber } from './text.ts'

/** One measurement, as far as a picture needs it. */
export interface CurvePoint {
  readonly step: number
  readonly loss?: number
  readonly heldOutLoss?: number
  readonly learningRate?: number
}

/** A loss that falls by more than this factor is drawn on a logarithmic scale: else its end is a flat line. */
const logFrom = 5

/** The loss, in training and held out, above the learning rate. */
export function trainingPicture(points: readonly CurvePoint[], name: string): string {
  const curve = (valueOf: (point: CurvePoint) => number | undefined) =>
    points.flatMap((point) => {
      const y = valueOf(point)
      return y === undefined ? [] : [{ x: point.step, y }]
    })
  const losses = [
    { name: 'training', points: curve(({ loss }) => loss) },
    { name: 'held out', points: curve(({ heldOutLoss }) => heldOutLoss) },
  ].filter((series) => series.points.length > 0)
  const values = losses.flatMap((series) => series.points.map(({ y }) => y))
  const isWide = Math.min(...values) > 0 && Math.max(...values) > logFrom * Math.min(...values)
  const x = { title: 'updates', domain: [0, Math.max(1, ...points.map(({ step }) => step))] } as const
  const lossPanel: Panel = {
    x,
    y: { title: 'loss, nats a token', kind: isWide ? 'log' : 'linear' },
    series: losses,
  }
  const rates = curve(({ learningRate }) => learningRate)
  const ratePanel: Panel = {
    x,
    y: { title: 'learning rate', domain: [0, Math.max(...rates.map(({ y }) => y))] },
    series: [{ name: 'learning rate', points: rates }],
    height: 90,
  }
  return drawChart({ title: finding(points, name), panels: rates.length > 0 ? [lossPanel, ratePanel] : [lossPanel] })
}

/** What the run came to. */
function finding(points: readonly CurvePoint[], name: string): string {
  const heldOut = points.findLast((point) => point.heldOutLoss !== undefined)
  const last = points.at(-1)
  if (heldOut)
    return `${name}: held-out loss ${shortNumber(heldOut.heldOutLoss!)} nats a token after ${updates(heldOut.step)}`
  if (last?.loss === undefined) return `${name}: nothing was measured yet`
  return `${name}: training loss ${shortNumber(last.loss)} nats a token after ${updates(last.step)}`
}

const updates = (step: number): string => `${shortNumber(step)} update${step === 1 ? '' : 's'}`
