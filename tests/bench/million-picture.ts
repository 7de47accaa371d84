/** One session of a million tokens: speed and memory along the way. */
import { drawChart, type Panel } from '../../trainer/picture/chart.ts'
import { readSession, type SessionPoint } from './million-log.ts'

/** Points that a line is made of, each the median of its turns. */
const POINTS = 25

export function millionPicture(): string {
  const points = readSession()
  const panel = (title: string, of: (point: SessionPoint) => number): Panel => {
    const shown = summarised(points, of)
    return {
      x: { title: 'tokens of the session', domain: [0, points.at(-1)?.tokens ?? 1] },
      y: { title, domain: [0, 1.1 * Math.max(...shown.map(({ high }) => high))] },
      series: [{ name: title, points: shown }],
      height: 130,
    }
  }
  return drawChart({
    title: 'One session of a million tokens on the bundled model',
    subtitle: `Medians of ${Math.ceil(points.length / POINTS)} turns, with the quarter below and above.`,
    panels: [
      panel('reading, ms a token', ({ msPerToken }) => msPerToken),
      panel('first token of a short turn, ms', ({ shortTtft }) => shortTtft),
      panel('memory of the server, MiB', ({ memoryMiB }) => memoryMiB),
    ],
  })
}

function summarised(points: readonly SessionPoint[], of: (point: SessionPoint) => number) {
  const size = Math.ceil(points.length / POINTS)
  const groups = Array.from({ length: Math.ceil(points.length / size) }, (_, i) =>
    points.slice(i * size, (i + 1) * size),
  )
  return groups.map((group) => {
    const sorted = group.map(of).toSorted((a, b) => a - b)
    const at = (q: number): number => sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] as number
    return { x: group.at(-1)?.tokens ?? 0, y: at(0.5), low: at(0.25), high: at(0.75) }
  })
}
