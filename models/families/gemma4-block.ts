/** A layer of Gemma 4: norms on all sides, experts beside the feed-forward layer, an input of its own, a scale. */
import { activate } from '../layers/activation.ts'
import {
  expertsMatrices,
  mixExperts,
  routing,
  type ExpertsMatrices,
  type SparseExpertsConfig,
} from '../layers/sparse-experts.ts'
import { module, STATELESS, type Module, type Pass } from '../module.ts'
import type { Ops } from '../ops.ts'
import { linearParams, normParams, vector, type LinearSpec, type Of, type Spec } from '../spec.ts'

export interface Gemma4BlockConfig {
  readonly width: number
  readonly eps: number
  readonly activation: string
  /** Channels of the layer's own input; 0 without. */
  readonly inputChannels: number
  readonly experts?: SparseExpertsConfig | undefined
}

type NormParams = { readonly weight: Spec }

type LayerInputParams = {
  readonly per_layer_input_gate: LinearSpec
  readonly per_layer_projection: LinearSpec
  readonly post_per_layer_input_norm: NormParams
}

type RoutedParams = {
  readonly router: { readonly proj: LinearSpec; readonly scale: Spec; readonly per_expert_scale: Spec }
  readonly experts: ExpertsMatrices
  readonly post_feedforward_layernorm_1: NormParams
  readonly pre_feedforward_layernorm_2: NormParams
  readonly post_feedforward_layernorm_2: NormParams
}

type BlockParams = {
  readonly input_layernorm: NormParams
  readonly mixer: unknown
  readonly post_attention_layernorm: NormParams
  readonly pre_feedforward_layernorm: NormParams
  readonly mlp: unknown
  readonly post_feedforward_layernorm: NormParams
  readonly layer_scalar: Spec
} & Partial<LayerInputParams> &
  Partial<RoutedParams>

export function gemma4Block(c: Gemma4BlockConfig, attention: Module, mlp: Module): Module {
  const norm = normParams(c.width)
  const params: BlockParams = {
    input_layernorm: norm,
    mixer: attention.params,
    post_attention_layernorm: norm,
    pre_feedforward_layernorm: norm,
    mlp: mlp.params,
    post_feedforward_layernorm: norm,
    layer_scalar: vector([1], 1),
    ...(c.inputChannels > 0 ? layerInputParams(c) : {}),
    ...(c.experts ? routedParams(c, c.experts) : {}),
  }
  return module(params, attention.state as unknown, (op, p, x, state, pass) => {
    const norm = (y: typeof x, own: { weight: typeof x }) => op.rmsNorm(y, own.weight, c.eps)
    const mixed = attention.run(op, p.mixer, norm(x, p.input_layernorm), state, pass)
    const between = op.add(x, norm(mixed.y, p.post_attention_layernorm))
    const dense = mlp.run(op, p.mlp, norm(between, p.pre_feedforward_layernorm), STATELESS, pass).y
    const fed = c.experts ? withExperts(op, c, c.experts, p as Of<RoutedParams, typeof x>, between, dense) : dense
    const after = op.add(between, norm(fed, p.post_feedforward_layernorm))
    const y = c.inputChannels > 0 ? withLayerInput(op, c, p as Of<LayerInputParams, typeof x>, after, pass) : after
    return { y: op.mul(y, p.layer_scalar), state: mixed.state }
  })
}

const layerInputParams = ({ width, inputChannels }: Gemma4BlockConfig): LayerInputParams => ({
  per_layer_input_gate: linearParams(width, inputChannels),
  per_layer_projection: linearParams(inputChannels, width),
  post_per_layer_input_norm: normParams(width),
})

/** x plus what it lets through of the layer's own input. */
function withLayerInput<T>(
  op: Ops<T>,
  c: Gemma4BlockConfig,
  p: Of<LayerInputParams, T>,
  x: T,
  { layerInput }: Pass<T>,
): T {
  if (layerInput === undefined) throw new Error('Gemma 4: expected an input of the layer beside x')
  const gate = activate(op, c.activation, op.linear(x, p.per_layer_input_gate.weight))
  const read = op.linear(op.mul(gate, layerInput), p.per_layer_projection.weight)
  return op.add(x, op.rmsNorm(read, p.post_per_layer_input_norm.weight, c.eps))
}

const routedParams = ({ width }: Gemma4BlockConfig, experts: SparseExpertsConfig): RoutedParams => ({
  router: {
    proj: linearParams(width, experts.experts),
    scale: vector([width], 1),
    per_expert_scale: vector([experts.experts], 1),
  },
  experts: expertsMatrices(experts),
  post_feedforward_layernorm_1: normParams(width),
  pre_feedforward_layernorm_2: normParams(width),
  post_feedforward_layernorm_2: normParams(width),
})

/** The feed-forward layer's output and that of the experts, which read x before its norm, each normed. */
function withExperts<T>(
  op: Ops<T>,
  c: Gemma4BlockConfig,
  experts: SparseExpertsConfig,
  p: Of<RoutedParams, T>,
  x: T,
  dense: T,
): T {
  const asked = op.mul(op.rmsNorm(x, p.router.scale, c.eps), op.constant(c.width ** -0.5))
  const { chosen, share } = routing(op, experts, op.linear(asked, p.router.proj.weight))
  const weighted = op.mul(share, p.router.per_expert_scale)
  const read = op.rmsNorm(x, p.pre_feedforward_layernorm_2.weight, c.eps)
  const routed = mixExperts(op, experts, p.experts, read, { chosen, share: weighted })
  return op.add(
    op.rmsNorm(dense, p.post_feedforward_layernorm_1.weight, c.eps),
    op.rmsNorm(routed, p.post_feedforward_layernorm_2.weight, c.eps),
  )
}
