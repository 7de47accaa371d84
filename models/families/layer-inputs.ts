/**
 * What each layer reads of the tokens beside the residual stream (Gemma 3n and 4): a table of embeddings for all layers
 * and a projection of the model's own embedding. Letters: L layers, E channels of a layer's input.
 */
import type { Ops } from '../ops.ts'
import { linearParams, matrix, normParams, type Of } from '../spec.ts'

export interface LayerInputConfig {
  readonly vocab: number
  /** D. */
  readonly width: number
  /** L. */
  readonly layers: number
  /** E. */
  readonly channels: number
  readonly eps: number
}

export type LayerInputParams = ReturnType<typeof layerInputParams>

export const layerInputParams = (c: LayerInputConfig) => ({
  embed_tokens_per_layer: { weight: matrix([c.vocab, c.layers * c.channels], 0.02) },
  per_layer_model_projection: linearParams(c.width, c.layers * c.channels),
  per_layer_projection_norm: normParams(c.channels),
})

/** The input of each layer, (B,T,E), for ids (B,T) and their embeddings (B,T,D). */
export function layerInputs<T>(op: Ops<T>, c: LayerInputConfig, p: Of<LayerInputParams, T>, ids: T, embedded: T): T[] {
  const byLayer = (x: T): T => op.reshape(x, [0, 0, c.layers, c.channels]) //                   (B, T, L, E)
  const scaled = (x: T, by: number): T => op.mul(x, op.constant(by))
  const looked = scaled(op.gather(p.embed_tokens_per_layer.weight, ids), Math.sqrt(c.channels))
  const projected = scaled(op.linear(embedded, p.per_layer_model_projection.weight), c.width ** -0.5)
  const normed = op.rmsNorm(byLayer(projected), p.per_layer_projection_norm.weight, c.eps)
  const mixed = scaled(op.add(normed, byLayer(looked)), Math.SQRT1_2)
  const flat = op.reshape(mixed, [0, 0, c.layers * c.channels])
  return op.split(flat, Array<number>(c.layers).fill(c.channels), -1)
}
