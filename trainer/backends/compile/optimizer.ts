/** AdamW with decoupled decay (Loshchilov & Hutter 2019, arXiv 1711.05101) and clipping by global norm, on a tape. */
import type { Node, Recorder } from './tape.ts'

export interface AdamW {
  readonly beta1: number
  readonly beta2: number
  readonly eps: number
  readonly weightDecay: number
  /** Largest global norm of the gradients. */
  readonly clip: number
  /** Of a kept moment: 32, or 8 (moments.ts). */
  readonly bits: 8 | 32
}

/** What one parameter is updated from. */
export interface Slot {
  readonly value: Node
  readonly gradient: Node
  readonly square: Node
  readonly first: Node
  readonly second: Node
  readonly decay: boolean
  /** Learning rate of the parameter's group, relative to the schedule's. */
  readonly lrScale: number
}

/** Scalars that change from step to step: lr, 1 / sqrt(1 - beta2^t), lr / (1 - beta1^t), and where rounding starts. */
export interface StepScalars {
  readonly lr: Node
  readonly secondScale: Node
  readonly firstRate: Node
  /** A number in [0, 1) that differs from step to step. */
  readonly dither: Node
}

/** Square root of the sum of all gradients, which come squared. */
export function globalNorm(op: Recorder, squares: readonly Node[]): Node {
  // From the last: the gradients come in that order, and each can be let go of when its square is there
  return op.sqrt(squares.map((square) => op.sum(op.reshape(square, [-1]), 0)).reduceRight((a, b) => op.add(a, b)))
}

/** The slot after one step, from gradients scaled by `scale`. */
export function adamw(op: Recorder, slot: Slot, c: AdamW, stepScalars: StepScalars, scale: Node) {
  // Scalars are multiplied first: what is left is thirteen passes over the parameter
  const keep = (moment: Node, beta: number): Node => op.mul(moment, op.constant(beta))
  const gradient = op.mul(slot.gradient, op.mul(scale, op.constant(1 - c.beta1)))
  const square = op.mul(slot.square, op.mul(op.mul(scale, scale), op.constant(1 - c.beta2)))
  const first = op.add(keep(slot.first, c.beta1), gradient)
  const second = op.add(keep(slot.second, c.beta2), square)
  const rate = op.div(op.mul(stepScalars.firstRate, op.constant(slot.lrScale)), stepScalars.secondScale)
  const move = op.div(op.mul(first, rate), op.add(op.sqrt(second), op.div(op.constant(c.eps), stepScalars.secondScale)))
  const shrink = op.sub(op.constant(1), op.mul(stepScalars.lr, op.constant(c.weightDecay * slot.lrScale)))
  const kept = slot.decay && c.weightDecay > 0 ? op.mul(slot.value, shrink) : slot.value
  return { value: op.sub(kept, move), first, second }
}
