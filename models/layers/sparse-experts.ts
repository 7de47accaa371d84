/**
 * Mixtures of experts as published: a router chooses k of E feed-forward layers for each token, beside a shared one.
 * Letters: E experts, k of them a token, I their inner width.
 */
import { module, STATELESS, type Module } from '../module.ts'
import type { Ops } from '../ops.ts'
import { linearParams, matrix, vector, type LinearSpec, type Of, type Spec } from '../spec.ts'
import { activate } from './activation.ts'

export interface SparseExpertsConfig {
  readonly width: number
  readonly hidden: number
  readonly experts: number
  readonly top: number
  readonly activation: string
  /** Whether an expert has a gate beside its projection up. */
  readonly gated: boolean
  /** What the router's logits become: probabilities of all experts, or each one's own sigmoid. */
  readonly scores: 'softmax' | 'sigmoid'
  /** The chosen scores are made to sum to 1. */
  readonly normalise: boolean
  /** Multiplied with the shares. */
  readonly scale?: number
  /** A bias that counts for the choice alone (DeepSeek-AI 2024, arXiv 2412.19437). */
  readonly correction?: boolean
  /** Experts stand in so many groups, of which the best few are looked at. */
  readonly groups?: readonly [count: number, top: number]
  /** The layer that every token goes through, and whether a sigmoid gates it. */
  readonly shared?: Module | undefined
  readonly sharedGate?: boolean
  /** Biases of the router and of the experts (gpt-oss). */
  readonly bias?: boolean
  /** gate sigmoid(alpha gate) (up + 1), gate and up cut off at the limit (gpt-oss), in the place of the activation. */
  readonly clamped?: { readonly alpha: number; readonly limit: number }
  /** Experts work in so many channels, between two projections (Nemotron 3 Super). */
  readonly latent?: number | null
  /** Biases of these two projections. */
  readonly latentBias?: boolean
}

export type ExpertsMatrices = {
  /** (E, 2I or I, D) */
  readonly up_proj: Spec
  /** (E, D, I) */
  readonly down_proj: Spec
  readonly up_bias?: Spec
  readonly down_bias?: Spec
}

type ExpertsParams = {
  readonly gate: { readonly weight: Spec; readonly bias?: Spec; readonly e_score_correction_bias?: Spec }
  readonly experts: ExpertsMatrices
  readonly latent_in?: LinearSpec
  readonly latent_out?: LinearSpec
  /** Those of the shared layer. */
  readonly shared_experts?: unknown
  readonly shared_expert_gate?: LinearSpec
}

/** Rows of an expert's first matrix: a gated one has its gate before its projection up. */
const rowsOf = (c: SparseExpertsConfig): number => (c.gated ? 2 * c.hidden : c.hidden)

/** The experts themselves, without their router. */
export function expertsMatrices(c: SparseExpertsConfig): ExpertsMatrices {
  const [inside, rows] = [c.latent ?? c.width, rowsOf(c)]
  return {
    up_proj: matrix([c.experts, rows, inside], 1 / Math.sqrt(inside)),
    down_proj: matrix([c.experts, inside, c.hidden], 1 / Math.sqrt(c.hidden)),
    ...(c.bias ? { up_bias: vector([c.experts, rows], 0), down_bias: vector([c.experts, inside], 0) } : {}),
  }
}

function expertsParams(c: SparseExpertsConfig): ExpertsParams {
  const inside = c.latent ?? c.width
  return {
    gate: {
      ...linearParams(c.width, c.experts, c.bias),
      ...(c.correction ? { e_score_correction_bias: vector([c.experts], 0) } : {}),
    },
    experts: expertsMatrices(c),
    ...(c.latent
      ? {
          latent_in: linearParams(c.width, inside, c.latentBias),
          latent_out: linearParams(inside, c.width, c.latentBias),
        }
      : {}),
    ...(c.shared ? { shared_experts: c.shared.params } : {}),
    ...(c.sharedGate ? { shared_expert_gate: linearParams(c.width, 1) } : {}),
  }
}

export function sparseExperts(c: SparseExpertsConfig): Module {
  return module(expertsParams(c), STATELESS, (op, p, x, _, pass) => {
    const input = p.latent_in ? op.linear(x, p.latent_in.weight, p.latent_in.bias) : x
    const logits = op.linear(x, p.gate.weight, p.gate.bias)
    const mixed = mixExperts(op, c, p.experts, input, routing(op, c, logits, p.gate.e_score_correction_bias))
    const y = p.latent_out ? op.linear(mixed, p.latent_out.weight, p.latent_out.bias) : mixed
    if (!c.shared) return { y, state: STATELESS }
    const own = c.shared.run(op, p.shared_experts, x, STATELESS, pass).y
    const gate = p.shared_expert_gate && op.sigmoid(op.linear(x, p.shared_expert_gate.weight))
    return { y: op.add(y, gate ? op.mul(own, gate) : own), state: STATELESS }
  })
}

/** Which experts are chosen for each token, and what each of them counts: (B,T,E), 0 for those not chosen. */
export interface Routing<T> {
  readonly chosen: T
  readonly share: T
}

/** The routing by the router's logits (B,T,E). */
export function routing<T>(op: Ops<T>, c: SparseExpertsConfig, logits: T, correction?: T): Routing<T> {
  const scores = c.scores === 'softmax' ? op.softmax(logits) : op.sigmoid(logits)
  const biased = correction === undefined ? scores : op.add(scores, correction)
  const chosen = mask(op, inBestGroups(op, c, biased), c.top, c.experts)
  const kept = op.mul(scores, chosen)
  const total = op.add(op.sum(kept, -1, true), op.constant(1e-20))
  const normalised = c.normalise ? op.div(kept, total) : kept
  const share = c.scale === undefined || c.scale === 1 ? normalised : op.mul(normalised, op.constant(c.scale))
  return { chosen, share }
}

/** The experts' outputs for x (B,T,D), weighted by their shares. */
export function mixExperts<T>(
  op: Ops<T>,
  c: SparseExpertsConfig,
  { up_proj: up, up_bias: upBias, down_proj: down, down_bias: downBias }: Of<ExpertsMatrices, T>,
  x: T,
  { chosen, share }: Routing<T>,
): T {
  return op.mixtureOfExperts({
    x,
    chosen,
    share,
    up,
    upBias,
    down,
    downBias,
    experts: c.experts,
    top: c.top,
    width: c.latent ?? c.width,
    rows: rowsOf(c),
    hidden: c.hidden,
    activate: (inner) => (c.gated ? gated(op, c, inner) : activate(op, c.activation, inner)),
  })
}

/** 1 for the k largest of the last axis, 0 for the others. */
function mask<T>(op: Ops<T>, x: T, k: number, size: number): T {
  return op.sum(op.oneHot(op.topk(x, k), size), -2)
}

/** Scores (B,T,E), with those of groups that are not among the best far below all others. */
function inBestGroups<T>(op: Ops<T>, { groups, experts }: SparseExpertsConfig, scores: T): T {
  if (!groups || groups[0] === groups[1]) return scores
  const [count, top] = groups
  const byGroup = op.reshape(scores, [0, 0, count, experts / count])
  // A group is as good as its two best experts together.
  const best = op.sum(op.mul(byGroup, mask(op, byGroup, 2, experts / count)), -1)
  const kept = op.reshape(mask(op, best, top, count), [0, 0, count, 1])
  const outside = op.mul(op.sub(kept, op.constant(1)), op.constant(1e4))
  return op.reshape(op.add(byGroup, outside), [0, 0, experts])
}

function gated<T>(op: Ops<T>, { activation, hidden, clamped }: SparseExpertsConfig, both: T): T {
  const [gate, up] = op.split(both, [hidden, hidden], -1) as [T, T]
  if (!clamped) return op.mul(activate(op, activation, gate), up)
  const [limit, low] = [op.constant(clamped.limit), op.constant(-clamped.limit)]
  const cut = op.minimum(gate, limit)
  const bent = op.mul(cut, op.sigmoid(op.mul(cut, op.constant(clamped.alpha))))
  return op.mul(op.add(op.maximum(op.minimum(up, limit), low), op.constant(1)), bent)
}
