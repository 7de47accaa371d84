/** The norms of published decoders: RMSNorm, whose weight may be stored less 1, or LayerNorm. */
import type { Ops } from '../ops.ts'
import { normParams, vector, type Spec } from '../spec.ts'

export interface NormConfig {
  readonly width: number
  readonly eps: number
  /** What is added to the weight. */
  readonly normOffset?: number
  /** LayerNorm, with a bias, in the place of RMSNorm. */
  readonly layerNorm?: boolean
}

export type NormSpec = { readonly weight: Spec; readonly bias?: Spec }

export const layerNormSpec = (width: number): NormSpec => ({ ...normParams(width), bias: vector([width], 0) })

export const normSpec = ({ width, layerNorm, normOffset }: NormConfig): NormSpec =>
  layerNorm ? layerNormSpec(width) : normParams(width, normOffset ? 0 : 1)

/** The norm of x (..., D). */
export function normOf<T>(op: Ops<T>, c: NormConfig, x: T, p: { readonly weight: T; readonly bias?: T }): T {
  if (p.bias !== undefined) return op.layerNorm(x, p.weight, p.bias, c.eps)
  return op.rmsNorm(x, c.normOffset ? op.add(p.weight, op.constant(c.normOffset)) : p.weight, c.eps)
}
