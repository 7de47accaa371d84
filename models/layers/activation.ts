/** Activations by the names of published configurations. */
import type { CausalConv, Ops } from '../ops.ts'
import { tanhGelu } from './gpt.ts'

export const ACTIVATIONS = [
  'silu',
  'gelu',
  'gelu_pytorch_tanh',
  'gelu_new',
  'gelu_fast',
  'quick_gelu',
  'relu',
  'relu2',
] as const

/** The activation of x. */
export function activate<T>(op: Ops<T>, name: string, x: T): T {
  if (name === 'silu') return op.silu(x)
  if (name === 'gelu') return op.gelu(x)
  if (name === 'quick_gelu') return op.mul(x, op.sigmoid(op.mul(x, op.constant(1.702))))
  if (name === 'relu' || name === 'relu2') {
    const positive = op.maximum(x, op.constant(0))
    return name === 'relu' ? positive : op.mul(positive, positive) // (So et al. 2021, arXiv 2109.08668)
  }
  return tanhGelu(op, x)
}

/** A causal convolution and the activation of its results, of which a kernel knows SiLU only. */
export function activatedConv<T>(op: Ops<T>, name: string, conv: Omit<CausalConv<T>, 'activation'>): { y: T; past: T } {
  if (name === 'silu') return op.causalConv(conv)
  const { y, past } = op.causalConv({ ...conv, activation: 'none' })
  return { y: activate(op, name, y), past }
}
