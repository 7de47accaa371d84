/**
 * What all published decoders share: an embedding, layers, a norm and a head. A family says its options, by their
 * published names, and its layers. Paths of parameters are the published names without what the files put before them.
 */
import type { ConfigOf, Fields } from '../config.ts'
import { define, type Architecture } from '../architecture.ts'
import { createPass, filledAfter, type Module } from '../module.ts'
import type { Ops } from '../ops.ts'
import { flatten, grows, matrix, positionState, type Of, type Spec } from '../spec.ts'
import { layerInputParams, layerInputs, type LayerInputConfig, type LayerInputParams } from './layer-inputs.ts'
import { layerNormSpec, normOf, normSpec, type NormSpec } from './norm.ts'

export interface DecoderPlan {
  readonly vocab: number
  readonly width: number
  readonly layers: readonly Module[]
  /** For each layer the earlier one whose keys and values it reads; undefined for those that have their own. */
  readonly sharedFrom?: readonly (number | undefined)[]
  /** Embeddings for each layer (Gemma 4). */
  readonly layerInputs?: LayerInputConfig | undefined
  /** Of the last norm. */
  readonly eps: number
  /** What is added to the last norm's weight. */
  readonly normOffset?: number
  /** LayerNorm, with a bias, in the place of RMSNorm. */
  readonly layerNorm?: boolean
  /** The head is the embedding. */
  readonly tied: boolean
  /** Learned positions (GPT-2). */
  readonly positions?: number
  /** The embedding is normed, with so much under the root (RWKV). */
  readonly embedNorm?: number
  readonly embedScale?: number
  readonly logitScale?: number
  /** Logits are bent to softcap tanh(logit / softcap). */
  readonly softcap?: number | null
}

export interface Family<F extends Fields> {
  readonly name: string
  readonly about: string
  readonly fields: F
  check?(config: ConfigOf<F>): void
  readonly plan: (config: ConfigOf<F>) => DecoderPlan
}

type DecoderParams = Partial<LayerInputParams> & {
  readonly embed_tokens: { readonly weight: Spec }
  readonly embed_positions?: { readonly weight: Spec }
  readonly embed_norm?: NormSpec
  readonly layers: readonly unknown[]
  readonly norm: NormSpec
  readonly lm_head?: { readonly weight: Spec }
}

const params = (plan: DecoderPlan): DecoderParams => ({
  embed_tokens: { weight: matrix([plan.vocab, plan.width], 0.02) },
  ...(plan.positions ? { embed_positions: { weight: matrix([plan.positions, plan.width], 0.02) } } : {}),
  ...(plan.embedNorm !== undefined ? { embed_norm: layerNormSpec(plan.width) } : {}),
  ...(plan.layerInputs ? layerInputParams(plan.layerInputs) : {}),
  layers: plan.layers.map((layer) => layer.params),
  norm: normSpec(plan),
  ...(plan.tied ? {} : { lm_head: { weight: matrix([plan.vocab, plan.width], 0.02) } }),
})

/** An architecture of a published family. */
export function defineFamily<F extends Fields>(family: Family<F>): Architecture {
  const { name, about, fields } = family
  // Every part of an architecture asks for the plan of the same configuration.
  const plans = new WeakMap<ConfigOf<F>, DecoderPlan>()
  const plan = (config: ConfigOf<F>): DecoderPlan => {
    const known = plans.get(config) ?? family.plan(config)
    plans.set(config, known)
    return known
  }
  return define({
    name,
    about,
    fields,
    check: (c) => family.check?.(c),
    sizes: (c) => plan(c),
    params: (c) => params(plan(c)),
    state: (c): { position: Spec; layers: readonly unknown[] } => ({
      position: positionState(),
      layers: plan(c).layers.map((layer) => layer.state),
    }),
    multipliesByLinear: true,
    trainingOnly: (c) => unservedHeads(plan(c)),
    positions: (c) => plan(c).positions,
    layers: (c) => plan(c).layers.length,
    forward(op, c, p, ids, s) {
      const made = plan(c)
      const pass = createPass(op, ids, s.position)
      let x = embed(op, made, p, ids, pass.positions) //                                      (B, T, D)
      const inputs = made.layerInputs && layerInputs(op, made.layerInputs, p as Of<LayerInputParams, typeof x>, ids, x)
      const states: unknown[] = []
      for (const [i, layer] of made.layers.entries()) {
        const from = made.sharedFrom?.[i]
        const own = {
          ...pass,
          ...(inputs ? { layerInput: inputs[i]! } : {}),
          ...(from === undefined ? {} : { shared: states[from] as NonNullable<typeof pass.shared> }),
        }
        const done = layer.run(op, p.layers[i], x, s.layers[i], own)
        x = op.layerHook(done.y, i)
        states.push(done.state)
      }
      const hidden = normOf(op, made, x, p.norm)
      return { hidden, state: { position: filledAfter(op, pass), layers: states } }
    },
    logits(op, c, p, hidden) {
      const { logitScale, softcap } = plan(c)
      const logits = op.linear(hidden, p.lm_head ? p.lm_head.weight : p.embed_tokens.weight)
      const scaled = logitScale === undefined ? logits : op.mul(logits, op.constant(logitScale))
      if (!softcap) return scaled
      return op.mul(op.tanh(op.div(scaled, op.constant(softcap))), op.constant(softcap))
    },
  })
}

/** Why no kernel can serve the attention of a plan, if none can. */
function unservedHeads({ layers }: DecoderPlan): string | undefined {
  const caches = layers.flatMap((layer) => flatten(layer.state)).filter(([, spec]) => grows(spec))
  const odd = caches.map(([, { shape }]) => Number(shape.at(-1))).find((channels) => channels % 8 !== 0)
  if (odd === undefined) return undefined
  return `attention is served with heads of a multiple of 8 channels, these have ${odd}`
}

function embed<T>(op: Ops<T>, plan: DecoderPlan, p: Of<DecoderParams, T>, ids: T, positions: T): T {
  const looked = op.gather(p.embed_tokens.weight, ids)
  const scaled = plan.embedScale === undefined ? looked : op.mul(looked, op.constant(plan.embedScale))
  const placed = p.embed_positions ? op.add(scaled, op.gather(p.embed_positions.weight, op.int32(positions))) : scaled
  return p.embed_norm ? op.layerNorm(placed, p.embed_norm.weight, p.embed_norm.bias!, plan.embedNorm!) : placed
}
