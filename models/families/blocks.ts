/** Layers of published decoders: how a mixer and a feed-forward layer are normed and added. */
import { module, type Module } from '../module.ts'
import type { Ops } from '../ops.ts'
import { normOf, normSpec, type NormConfig } from './norm.ts'

export interface BlockConfig extends NormConfig {
  /** Multiplied with what is added to the residual stream. */
  readonly residualScale?: number
}

const added = <T>(op: Ops<T>, { residualScale }: BlockConfig, x: T, y: T): T =>
  op.add(x, residualScale === undefined ? y : op.mul(y, op.constant(residualScale)))

/** x + mixer(norm(x)), then x + mlp(norm(x)): the layer of Llama and most others. */
export function preNormBlock(c: BlockConfig, mixer: Module, mlp: Module): Module {
  const params = {
    input_layernorm: normSpec(c),
    mixer: mixer.params as unknown,
    post_attention_layernorm: normSpec(c),
    mlp: mlp.params as unknown,
  }
  return module(params, mixer.state as unknown, (op, p, x, state, pass) => {
    const mixed = mixer.run(op, p.mixer, normOf(op, c, x, p.input_layernorm), state, pass)
    const between = added(op, c, x, mixed.y)
    const out = mlp.run(op, p.mlp, normOf(op, c, between, p.post_attention_layernorm), {}, pass)
    return { y: added(op, c, between, out.y), state: mixed.state }
  })
}

/** x + norm(mixer(x)), then x + norm(mlp(x)): the attention layers of OLMo. */
export function postNormBlock(c: BlockConfig, mixer: Module, mlp: Module): Module {
  const params = {
    mixer: mixer.params as unknown,
    post_attention_layernorm: normSpec(c),
    mlp: mlp.params as unknown,
    post_feedforward_layernorm: normSpec(c),
  }
  return module(params, mixer.state as unknown, (op, p, x, state, pass) => {
    const mixed = mixer.run(op, p.mixer, x, state, pass)
    const between = added(op, c, x, normOf(op, c, mixed.y, p.post_attention_layernorm))
    const out = mlp.run(op, p.mlp, between, {}, pass)
    return { y: added(op, c, between, normOf(op, c, out.y, p.post_feedforward_layernorm)), state: mixed.state }
  })
}

/** Norms before and after both (Gemma 3, LFM3). */
export function sandwichBlock(c: BlockConfig, mixer: Module, mlp: Module): Module {
  const params = {
    input_layernorm: normSpec(c),
    mixer: mixer.params as unknown,
    post_attention_layernorm: normSpec(c),
    pre_feedforward_layernorm: normSpec(c),
    mlp: mlp.params as unknown,
    post_feedforward_layernorm: normSpec(c),
  }
  return module(params, mixer.state as unknown, (op, p, x, state, pass) => {
    const norm = (y: typeof x, own: { weight: typeof x; bias?: typeof x }) => normOf(op, c, y, own)
    const mixed = mixer.run(op, p.mixer, norm(x, p.input_layernorm), state, pass)
    const between = added(op, c, x, norm(mixed.y, p.post_attention_layernorm))
    const out = mlp.run(op, p.mlp, norm(between, p.pre_feedforward_layernorm), {}, pass)
    return { y: added(op, c, between, norm(out.y, p.post_feedforward_layernorm)), state: mixed.state }
  })
}

/** x + mixer(norm(x)) alone (Mamba, Nemotron-H). */
export function singleBlock(c: BlockConfig, mixer: Module): Module {
  const params = { norm: normSpec(c), mixer: mixer.params as unknown }
  return module(params, mixer.state as unknown, (op, p, x, state, pass) => {
    const mixed = mixer.run(op, p.mixer, normOf(op, c, x, p.norm), state, pass)
    return { y: added(op, c, x, mixed.y), state: mixed.state }
  })
}
