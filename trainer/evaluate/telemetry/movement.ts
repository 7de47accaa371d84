/** How the tensors of a state move while a text is read token by token. */
import type { Observer } from './observer.ts'
import { cosine, distance, effectiveRank, mean, type Point, slotCosine } from './statistics.ts'
import type { TapStatistics } from './taps.ts'

export interface Movement {
  /** Share of tokens at which the tensor changed. */
  readonly updateRate: number
  /** Length of a change by the length of what was there, the mean over changes of what was not zero. */
  readonly relativeChange: number
  /** 1 - cos(M(t), M(t - 1)), the mean over tokens. */
  readonly drift: number
  /** The same from one measurement of the rank to the next. */
  readonly driftCurve: readonly Point[]
  readonly rankCurve: readonly Point[]
  /** At the end. */
  readonly effectiveRank: number
  /** The largest rank that a tensor of this shape can have. */
  readonly fullRank: number
  readonly slotCosine: number | null
  readonly norm: number
}

/** How often the rank is measured. */
const PLACES = 8

interface Trace {
  before: Float32Array
  readonly changes: number[]
  readonly drifts: number[]
  readonly driftCurve: Point[]
  readonly rankCurve: Point[]
  updates: number
  /** How many drifts there were at the last measurement. */
  placed: number
}

/** Reads the text from zero state, one token at a time; returns the movement of every memory by its path. */
export function movement(observer: Observer, ids: readonly number[], taps: TapStatistics): Map<string, Movement> {
  observer.start(1)
  const traces = new Map(observer.memories.map(({ path }) => [path, begin(observer.state(path).slice())]))
  const every = Math.max(1, Math.floor(ids.length / PLACES))
  for (const [t, id] of ids.entries()) {
    observer.read([[id]], taps)
    for (const { path, shape } of observer.memories) {
      const now = observer.state(path).slice()
      const trace = traces.get(path)!
      step(trace, now)
      if ((t + 1) % every !== 0 && t + 1 !== ids.length) continue
      trace.rankCurve.push({ at: t + 1, value: effectiveRank(now, shape) })
      trace.driftCurve.push({ at: t + 1, value: mean(trace.drifts.slice(trace.placed)) })
      trace.placed = trace.drifts.length
    }
  }
  return new Map(observer.memories.map(({ path, shape }) => [path, finish(traces.get(path)!, shape, ids.length)]))
}

function begin(before: Float32Array): Trace {
  return { before, changes: [], drifts: [], driftCurve: [], rankCurve: [], updates: 0, placed: 0 }
}

function step(trace: Trace, now: Float32Array): void {
  const changed = distance(now, trace.before)
  const length = norm(trace.before)
  if (changed > 0) trace.updates++
  if (changed > 0 && length > 0) trace.changes.push(changed / length)
  const angle = cosine(now, trace.before)
  if (angle !== null) trace.drifts.push(1 - angle)
  trace.before = now
}

function finish(trace: Trace, shape: readonly number[], tokens: number): Movement {
  return {
    updateRate: trace.updates / tokens,
    relativeChange: mean(trace.changes),
    drift: mean(trace.drifts),
    driftCurve: trace.driftCurve,
    rankCurve: trace.rankCurve,
    effectiveRank: trace.rankCurve.at(-1)!.value,
    fullRank: Math.min(...shape.slice(-2)),
    slotCosine: slotCosine(trace.before, shape),
    norm: norm(trace.before),
  }
}

const norm = (x: Float32Array): number => Math.sqrt(x.reduce((sum, v) => sum + v * v, 0))
