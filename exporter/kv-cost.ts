/** Gives a decoder keys and values in fewer bits, and measures what that costs. */
import type { Decoder } from '../runtime/decoder.ts'
import type { StateEntry } from './decoder.ts'
import { type Divergence, DivergenceMeter, predictions } from './divergence.ts'
import { type KvCaches, kvCaches, type KvDtype } from './kv-cache.ts'
import { measureScales } from './kv-scales.ts'
import { ExportError } from './weights.ts'

/** A graph that can be traced with other caches. */
export interface Retraceable<G extends { readonly state: readonly StateEntry[] }> {
  /** With float32 caches, and what that trace found. */
  readonly float32: { readonly graph: G; readonly kv: KvCaches }
  readonly trace: (kv: KvCaches) => G
  readonly open: (graph: G) => Promise<Decoder>
}

export interface KvTexts {
  /** Texts of at least one id. */
  readonly calibration: readonly (readonly number[])[]
  /** At least two ids. */
  readonly measured: readonly number[]
}

/** Beside the same decoder with float32 keys and values. */
export interface KvCost extends Divergence {
  readonly dtype: KvDtype
}

/** Returns the graph with caches of `dtype`. One decoder is open at a time. Throws ExportError where it predicts nothing. */
export async function storeKv<G extends { readonly state: readonly StateEntry[] }>(
  dtype: Exclude<KvDtype, 'float32'>,
  { float32, trace, open }: Retraceable<G>,
  { calibration, measured }: KvTexts,
): Promise<{ graph: G; cost: KvCost }> {
  const whole = await open(float32.graph)
  const scales = dtype === 'int8' ? await measureScales(whole, float32.graph.state, float32.kv, calibration) : undefined
  const expected: Float32Array[] = []
  for await (const { logits } of predictions(whole, measured)) expected.push(logits.slice())
  whole.close()

  const graph = trace(kvCaches(dtype, scales))
  const few = await open(graph)
  const meter = new DivergenceMeter()
  let at = 0
  for await (const { logits, next } of predictions(few, measured)) meter.add(expected[at++]!, logits, next)
  few.close()
  const cost = { dtype, ...meter.result() }
  if (!Number.isFinite(cost.divergence))
    throw new ExportError(`--kv: expected finite predictions with keys and values in ${dtype}, got others; use float32`)
  return { graph, cost }
}

/** One line for each number. */
export const kvCostText = ({ dtype, tokens, perplexity, divergence }: KvCost): string =>
  [
    `keys and values in ${dtype}, beside float32 ones on ${tokens} tokens:`,
    `perplexity ${perplexity.reference.toFixed(3)}, ${perplexity.compared.toFixed(3)};`,
    `divergence of the predictions ${divergence.toExponential(2)} nats a token`,
  ].join(' ')
