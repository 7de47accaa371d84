/**
 * The meta-controller of HMST: from the vector of a user's message and what is known of the turn, one decision for each
 * gate, a bias for the experts of the served model, and how uncertain the reply will be. It runs once a turn and keeps no
 * state.
 *
 * Two things are other than published. The state summary projects each group of features together, since there are more
 * than the published five. Attention has no queries and keys: over one token it is the projection of its value.
 */
import { choice, configure, count, real, requires, type ConfigOf } from '../config.ts'
import { layerNorm, layerNormParams } from '../layers/layer-norm.ts'
import type { Ops } from '../ops.ts'
import { matrix, type Of, type SpecTree, vector } from '../spec.ts'

// B batch  Q width of the query  F features  D width  G gates  E experts

/** `published` is that of HMST's base size. */
export const controllerPresets = {
  small: { width: 64, layers: 2, hidden: 256, summary: 32, group: 16 },
  published: { width: 2048, layers: 6, hidden: 4096, summary: 128, group: 32 },
} as const

export const controllerFields = {
  preset: choice('small', ['small', 'published'], 'sizes that the options below change'),
  query: count(128, "width of the vector of the user's message"),
  groups: {
    default: [8] as readonly number[],
    help: 'features of each group of the state summary',
    min: 1,
    integer: true,
  },
  gates: count(5, 'decisions'),
  experts: count(4, 'experts of the served model for which there is a bias', 1, 1024),
  width: count(64, 'width of the model'),
  layers: count(2, 'number of layers', 1, 1024),
  hidden: count(256, 'inner width of the feed-forward layers'),
  summary: count(32, 'width of the state summary'),
  group: count(16, 'numbers that the state summary makes of each group'),
  dropout: real(0, 'dropout rate in training', 0, 0.9),
}
export type ControllerConfig = ConfigOf<typeof controllerFields>

const linear = (from: number, to: number) => ({ weight: matrix([from, to]), bias: vector([to], 0) })
type Linear = ReturnType<typeof linear>

export const controllerParams = (c: ControllerConfig) => ({
  groups: c.groups.map((size) => linear(size, c.group)),
  summary: linear(c.groups.length * c.group, c.summary),
  input: linear(c.query + c.summary, c.width),
  layers: Array.from({ length: c.layers }, () => ({
    attentionNorm: layerNormParams(c.width),
    value: linear(c.width, c.width),
    output: linear(c.width, c.width),
    mlpNorm: layerNormParams(c.width),
    up: linear(c.width, c.hidden),
    down: linear(c.hidden, c.width),
  })),
  norm: layerNormParams(c.width),
  gates: linear(c.width, c.gates),
  experts: linear(c.width, c.experts),
  uncertainty: linear(c.width, 1),
})

type Params<T> = Of<ReturnType<typeof controllerParams>, T>

/** All before a sigmoid. */
export interface ControllerLogits<T> {
  /** (B,G) */
  readonly gates: T
  /** (B,E): what is added to the router's logits where the gate for it is open. */
  readonly experts: T
  /** (B,1): that the reply will be wrong. */
  readonly uncertainty: T
}

/** query (B,Q), features (B,F) of all groups one after another. */
export function control<T>(
  op: Ops<T>,
  c: ControllerConfig,
  p: Params<T>,
  { query, features }: { readonly query: T; readonly features: T },
): ControllerLogits<T> {
  let x = apply(op, p.input, op.concat([query, summarise(op, c, p, features)], -1)) //          (B, D)
  for (const layer of p.layers) {
    const value = apply(op, layer.value, layerNorm(op, layer.attentionNorm, x))
    x = op.add(x, op.dropout(apply(op, layer.output, value), c.dropout))
    const inner = op.gelu(apply(op, layer.up, layerNorm(op, layer.mlpNorm, x))) //              (B, hidden)
    x = op.add(x, op.dropout(apply(op, layer.down, op.dropout(inner, c.dropout)), c.dropout))
  }
  const read = layerNorm(op, p.norm, x)
  return {
    gates: apply(op, p.gates, read),
    experts: apply(op, p.experts, read),
    uncertainty: apply(op, p.uncertainty, read),
  }
}

/** The state summary: each group by itself, then all together. */
function summarise<T>(op: Ops<T>, c: ControllerConfig, p: Params<T>, features: T): T {
  const groups = op.split(features, c.groups, -1).map((x, i) => op.gelu(apply(op, p.groups[i]!, x)))
  return apply(op, p.summary, op.concat(groups, -1)) //                                         (B, summary)
}

const apply = <T>(op: Ops<T>, { weight, bias }: Of<Linear, T>, x: T): T => op.add(op.matmul(x, weight), bias)

/** A controller with one configuration. */
export interface ControllerModel {
  readonly architecture: 'controller'
  readonly config: ControllerConfig
  /** F. */
  readonly features: number
  readonly params: SpecTree
  control<T>(op: Ops<T>, params: unknown, input: { readonly query: T; readonly features: T }): ControllerLogits<T>
}

/** A preset's sizes are defaults: what is named beside it wins. Throws ConfigError. */
export function controllerModel(options: Readonly<Record<string, unknown>>): ControllerModel {
  const preset = controllerPresets[options['preset'] as keyof typeof controllerPresets]
  const config = configure('controller', controllerFields, { ...preset, ...options })
  requires(config.groups.length > 0, 'controller.groups: expected at least one group of features, got none')
  return {
    architecture: 'controller',
    config,
    features: config.groups.reduce((sum, size) => sum + size, 0),
    params: controllerParams(config),
    control: (op, params, input) => control(op, config, params as Params<typeof input.query>, input),
  }
}
