/** Telemetry as a picture. */
import { drawChart, type Panel, type Series } from '../../picture/chart.ts'
import { percentText } from '../../picture/text.ts'
import type { Subject } from '../model.ts'
import type { MemoryResult, TelemetryResult } from './telemetry.ts'

/** What is left of a write, what can be decoded, and the rank, of the memories that are written. */
export function telemetryPicture({ memories, values }: TelemetryResult, subject: Subject): string {
  const written = memories.filter(({ retention }) => retention.curve.length > 0)
  const shown = (written.length > 0 ? written : memories).slice(0, mostMemories)
  return drawChart({
    title: finding(shown, subject, values.length),
    subtitle: `Each line is a tensor of the state${shown.length < memories.length ? `; ${shown.length} of ${memories.length} are drawn` : ''}.`,
    panels: [decoded(shown, values.length), left(shown), rank(shown)],
  })
}

/** More lines than these cannot be told apart. */
const mostMemories = 6

function decoded(memories: readonly MemoryResult[], values: number): Panel {
  const places = memories[0]?.probes.map(({ after }) => after) ?? []
  return {
    x: { title: 'tokens of small talk after a value was told' },
    y: { title: 'value decoded from the state, %', domain: [0, 100] },
    series: [
      ...memories.map(({ path, probes }): Series => ({
        name: path,
        points: probes.map(({ after, decoded }) => ({
          x: after,
          y: 100 * decoded.share,
          low: 100 * decoded.interval[0],
          high: 100 * decoded.interval[1],
        })),
      })),
      { name: `guess of ${values}`, points: places.map((x) => ({ x, y: 100 / values })), isReference: true },
    ],
    height: 200,
  }
}

const left = (memories: readonly MemoryResult[]): Panel => ({
  x: { title: 'tokens after a write' },
  y: { title: 'left of the write' },
  series: [
    ...memories.map(({ path, retention }): Series => ({
      name: path,
      points: retention.curve.map(({ at, value }) => ({ x: at, y: value })),
    })),
    { name: 'half', points: ends(memories).map((x) => ({ x, y: 0.5 })), isReference: true },
  ],
  height: 160,
})

const ends = (memories: readonly MemoryResult[]): number[] => {
  const places = memories.flatMap(({ retention }) => retention.curve.map(({ at }) => at))
  return places.length === 0 ? [0] : [...new Set([Math.min(...places), Math.max(...places)])]
}

const rank = (memories: readonly MemoryResult[]): Panel => ({
  x: { title: 'tokens of text' },
  y: { title: 'effective rank' },
  series: memories.map(({ path, rankCurve }): Series => ({
    name: path,
    points: rankCurve.map(({ at, value }) => ({ x: at, y: value })),
  })),
  height: 160,
})

/** What the best memory still tells at the end. */
function finding(memories: readonly MemoryResult[], { architecture }: Subject, values: number): string {
  const last = memories.flatMap(({ path, probes }) => {
    const probe = probes.at(-1)
    return probe ? [{ path, after: probe.after, share: probe.decoded.share }] : []
  })
  const best = last.toSorted((a, b) => b.share - a.share)[0]
  if (!best) return `${architecture} has no memory to observe`
  return `${architecture}: ${percentText(best.share)} of the told values are decoded from ${best.path} after ${best.after} tokens (a guess: ${percentText(1 / values)})`
}
