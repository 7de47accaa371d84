/** Telemetry as a picture. */
import type { TopLevelSpec } from 'vega-lite'
import { page, toSvg } from '../../picture.ts'
import type { MemoryResult, TelemetryResult } from './telemetry.ts'

/** Panels of curves (what is left of a write, rank, drift), of decoding, of what was watched and of what is used. */
export function telemetryPicture({ memories, watched }: TelemetryResult, title: string): Promise<string> {
  const usage = watched.flatMap(({ name, usage }) => (usage ? [{ name, value: usage.evenness }] : []))
  const means = watched.map(({ name, mean }) => ({ name, value: mean }))
  return toSvg({
    ...page,
    title,
    columns: 2,
    concat: [
      lines(memories, (m) => m.retention.curve, 'tokens after the write', 'left of the write'),
      probes(memories),
      lines(memories, (m) => m.rankCurve, 'tokens', 'effective rank'),
      lines(memories, (m) => m.driftCurve, 'tokens', '1 - cosine to the token before'),
      ...(means.length > 0 ? [bars(means, 'mean')] : []),
      ...(usage.length > 0 ? [bars(usage, 'evenness of use')] : []),
    ],
  })
}

type Panel = Extract<TopLevelSpec, { concat: unknown }>['concat'][number]

const size = { width: 360, height: 220 } as const
/** Paths of states are shown whole. */
const legend = { title: null, labelLimit: 0 } as const

function lines(
  memories: readonly MemoryResult[],
  curve: (memory: MemoryResult) => MemoryResult['rankCurve'],
  across: string,
  up: string,
): Panel {
  const values = memories.flatMap((m) => curve(m).map(({ at, value }) => ({ state: m.path, at, value })))
  return {
    ...size,
    data: { values },
    mark: { type: 'line', point: true },
    encoding: {
      x: { field: 'at', type: 'quantitative', title: across },
      y: { field: 'value', type: 'quantitative', title: up },
      color: { field: 'state', type: 'nominal', legend },
    },
  }
}

/** The share decoded with its interval, dashed what shuffled labels give. */
function probes(memories: readonly MemoryResult[]): Panel {
  const values = memories.flatMap(({ path, probes }) =>
    probes.map(({ after, decoded, control }) => {
      const [low, high] = decoded.interval
      return { state: path, after, share: decoded.share, low, high, control }
    }),
  )
  const x = { field: 'after', type: 'quantitative', title: 'tokens after the value was told' } as const
  const y = { type: 'quantitative' as const, scale: { domain: [0, 1] }, title: 'decoded' }
  const color = { field: 'state', type: 'nominal', legend } as const
  return {
    ...size,
    data: { values },
    layer: [
      {
        mark: { type: 'errorband', opacity: 0.1 },
        encoding: { x, y: { field: 'low', ...y }, y2: { field: 'high' }, color },
      },
      { mark: { type: 'line', point: true }, encoding: { x, y: { field: 'share', ...y }, color } },
      { mark: { type: 'line', strokeDash: [4, 4] }, encoding: { x, y: { field: 'control', ...y }, color } },
    ],
  }
}

function bars(values: { readonly name: string; readonly value: number }[], up: string): Panel {
  return {
    ...size,
    data: { values },
    mark: 'bar',
    encoding: {
      x: { field: 'name', type: 'nominal', title: null, sort: null },
      y: { field: 'value', type: 'quantitative', title: up },
    },
  }
}
