/** A gated short convolution (LFM2, arXiv 2511.23404): C * conv(B * x), with B, C and x from one projection. */
import { module, type Module } from '../module.ts'
import { convParams, linearParams, stateOf } from '../spec.ts'

export interface ShortConvConfig {
  readonly width: number
  /** Taps. */
  readonly conv: number
  readonly bias: boolean
}

/** The state is the last taps - 1 values of B * x. */
export function shortConv(c: ShortConvConfig): Module {
  const params = {
    conv: convParams(c.conv, c.width, c.bias),
    in_proj: linearParams(c.width, 3 * c.width, c.bias),
    out_proj: linearParams(c.width, c.width, c.bias),
  }
  return module(params, { conv: stateOf(c.width, c.conv - 1) }, (op, p, x, past) => {
    const all = op.linear(x, p.in_proj.weight, p.in_proj.bias)
    const [B, C, inner] = op.split(all, [c.width, c.width, c.width], -1) as [typeof x, typeof x, typeof x]
    const mixed = op.causalConv({
      x: op.mul(B, inner),
      weight: p.conv.weight,
      bias: p.conv.bias,
      past: past.conv,
      size: c.conv,
      activation: 'none',
    })
    const y = op.linear(op.mul(C, mixed.y), p.out_proj.weight, p.out_proj.bias)
    return { y, state: { conv: mixed.past } }
  })
}
