/** Feed-forward layers of published decoders: with a gate (SwiGLU, Shazeer 2020, arXiv 2002.05202), or without. */
import { module, STATELESS, type Module } from '../module.ts'
import { linearParams } from '../spec.ts'
import { activate } from './activation.ts'

export interface GatedMlpConfig {
  readonly width: number
  readonly hidden: number
  readonly activation: string
  readonly bias?: boolean
  /** Multiplied with the gate before its activation, and with the output (Falcon-H1). */
  readonly multipliers?: readonly [gate: number, down: number]
}

/** down(activation(gate(x)) * up(x)). */
export function gatedMlp(c: GatedMlpConfig): Module {
  const params = {
    gate_proj: linearParams(c.width, c.hidden, c.bias),
    up_proj: linearParams(c.width, c.hidden, c.bias),
    down_proj: linearParams(c.hidden, c.width, c.bias),
  }
  return module(params, STATELESS, (op, p, x) => {
    const [gate, up] = op.linears(x, [
      { ...p.gate_proj, size: c.hidden },
      { ...p.up_proj, size: c.hidden },
    ]) as [typeof x, typeof x]
    const scaled = (y: typeof x, by: number | undefined) => (by === undefined ? y : op.mul(y, op.constant(by)))
    const inner = op.mul(activate(op, c.activation, scaled(gate, c.multipliers?.[0])), up)
    const y = op.linear(inner, p.down_proj.weight, p.down_proj.bias)
    return { y: scaled(y, c.multipliers?.[1]), state: STATELESS }
  })
}

/** down(activation(up(x))). */
export function plainMlp(c: GatedMlpConfig): Module {
  const params = {
    up_proj: linearParams(c.width, c.hidden, c.bias),
    down_proj: linearParams(c.hidden, c.width, c.bias),
  }
  return module(params, STATELESS, (op, p, x) => {
    const inner = activate(op, c.activation, op.linear(x, p.up_proj.weight, p.up_proj.bias))
    return { y: op.linear(inner, p.down_proj.weight, p.down_proj.bias), state: STATELESS }
  })
}
