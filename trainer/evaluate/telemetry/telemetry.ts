/** The telemetry of a memory: what can be decoded from it, how long a write stays, how it moves, and what gates do. */
import type { TextCodec } from '../../../runtime/text.ts'
import { Random } from '../../random.ts'
import { type Episode, episodesOf, fillerTokens, mixedTokens, type Source, sourceFor } from './episodes.ts'
import type { Observer } from './observer.ts'
import { probe, type ProbeResult, projected } from './probe.ts'
import { type Retention, retention } from './retention.ts'
import { type Movement, movement } from './movement.ts'
import { TapStatistics, type TapResult } from './taps.ts'

export interface TelemetryOptions {
  /** Tokens of the observed text, and of small talk after what was told. */
  readonly tokens: number
  readonly episodes: number
  readonly seed: number
  /** Episodes end their history on a multiple of this: where a chunked memory writes. */
  readonly unit: number
  /** Text to observe instead of generated one. */
  readonly text?: readonly number[]
  readonly progress?: (what: string) => void
}

export interface TelemetryResult {
  readonly source: Source['kind'] | 'file'
  readonly values: readonly string[]
  readonly tokens: number
  readonly episodes: number
  readonly seed: number
  readonly build: string
  readonly memories: readonly MemoryResult[]
  readonly taps: readonly TapResult[]
}

export interface MemoryResult extends Movement {
  readonly path: string
  readonly shape: readonly number[]
  /** After so many tokens of small talk. */
  readonly probes: readonly (ProbeResult & { readonly after: number })[]
  readonly retention: Retention
}

/** Rows of a batch of episodes. */
const ROWS = 16
/** Pairs of histories of which the half-life is the mean. */
const PAIRS = 8
/** Tokens of a history at least. */
const HISTORY = 96

/** Runs the observer over generated episodes and a text. */
export function telemetry(observer: Observer, codec: TextCodec, options: TelemetryOptions): TelemetryResult {
  const { tokens, episodes, seed, unit, text, progress } = options
  const random = new Random(`telemetry ${seed}`)
  const source = sourceFor(codec, random.fork('values'))
  progress?.('movement')
  const taps = new TapStatistics()
  const observed = text ?? mixedTokens(source, random.fork('text'), tokens)
  const moved = movement(observer, observed, taps)
  progress?.('half-life')
  const pairs = episodesOf(source, random.fork('pairs'), PAIRS, HISTORY, unit)
  const fillers = pairs.map((_, i) => fillerTokens(source, random.fork(`pair ${i}`), tokens))
  const kept = retention(observer, pairs, fillers)
  const told = episodesOf(source, random.fork('episodes'), episodes, HISTORY, unit)
  const probes = decode(observer, source, told, random, tokens, progress)
  return {
    source: text ? 'file' : source.kind,
    values: source.values,
    tokens: observed.length,
    episodes,
    seed,
    build: observer.build,
    memories: observer.memories.map(({ path, shape }) => ({
      path,
      shape,
      ...moved.get(path)!,
      probes: probes.get(path)!,
      retention: kept.get(path)!,
    })),
    taps: taps.results(),
  }
}

/** Probes of every memory after each gap. */
function decode(
  observer: Observer,
  source: Source,
  episodes: readonly Episode[],
  random: Random,
  tokens: number,
  progress?: (what: string) => void,
): Map<string, MemoryResult['probes']> {
  const gaps = [0, Math.floor(tokens / 4), tokens]
  const fillers = episodes.map((_, i) => fillerTokens(source, random.fork(`filler ${i}`), tokens))
  const found = new Map(observer.memories.map(({ path }) => [path, gaps.map((): Float32Array[] => [])]))
  for (let from = 0; from < episodes.length; from += ROWS) {
    progress?.(`decoding, ${from} of ${episodes.length} episodes`)
    const rows = episodes.slice(from, from + ROWS)
    observer.start(rows.length)
    observer.readAll(rows.map(({ told }) => told))
    for (const [g, gap] of gaps.entries()) {
      observer.readAll(fillers.slice(from, from + ROWS).map((ids) => ids.slice(gaps[g - 1] ?? 0, gap)))
      for (const { path } of observer.memories) {
        const values = observer.state(path)
        const size = values.length / rows.length
        for (let row = 0; row < rows.length; row++)
          found.get(path)![g]!.push(projected(values.subarray(row * size, (row + 1) * size)))
      }
    }
  }
  progress?.('probes')
  const labels = episodes.map(({ value }) => value)
  const results = [...found].map(([path, byGap]) => {
    const probes = byGap.map((features, g) => ({ after: gaps[g]!, ...probe(features, labels, random.fork('probe')) }))
    return [path, probes] as const
  })
  return new Map(results)
}
