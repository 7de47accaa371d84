/** Layer normalisation with learned gain and bias (Ba et al. 2016, arXiv 1607.06450). */
import type { Ops } from '../ops.ts'
import type { Of } from '../spec.ts'
import { vector } from '../spec.ts'

/** Gain and bias of a layer norm. */
export const layerNormParams = (width: number) => ({ gain: vector([width], 1), bias: vector([width], 0) })

export const layerNorm = <T>(op: Ops<T>, p: Of<ReturnType<typeof layerNormParams>, T>, x: T): T =>
  op.layerNorm(x, p.gain, p.bias, 1e-5)
