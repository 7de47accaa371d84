/** Activations by the names of published configurations. */
import type { Ops } from '../ops.ts'
import { tanhGelu } from './gpt.ts'

export const ACTIVATIONS = ['silu', 'gelu', 'gelu_pytorch_tanh', 'gelu_new', 'relu2'] as const

/** The activation of x. */
export function activate<T>(op: Ops<T>, name: string, x: T): T {
  if (name === 'silu') return op.silu(x)
  if (name === 'gelu') return op.gelu(x)
  if (name === 'relu2') {
    const positive = op.maximum(x, op.constant(0))
    return op.mul(positive, positive) // (So et al. 2021, arXiv 2109.08668)
  }
  return tanhGelu(op, x)
}
