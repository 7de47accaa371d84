/**
 * A part of a model with its parameters and its state: what families are put together from. Inside it everything is
 * typed; outside, trees are filled by path, as those of an architecture are.
 */
import type { Ops, RotaryTable } from './ops.ts'
import type { Of, SpecTree } from './spec.ts'

/** What all layers of one forward pass share. */
export interface Pass<T> {
  /** (B,T) int32. */
  readonly ids: T
  /** (B,1): tokens before this pass. */
  readonly filled: T
  /** (B,T): the position of each token, from 0. */
  readonly positions: T
  /** Cosines and sines at these positions, computed once for each list of frequencies. */
  rotary(frequencies: readonly number[], scale: number): RotaryTable<T>
  /** Of one layer: what the tokens give to it alone (B,T,E), in models with embeddings for each layer. */
  readonly layerInput?: T
  /** Of one layer that has no keys and values of its own: those that an earlier layer has returned in this pass. */
  readonly shared?: { readonly k: T; readonly v: T }
}

export interface Module {
  readonly params: SpecTree
  readonly state: SpecTree
  /** x (B,T,D) and the state before it -> y and the state after it. */
  run<T>(op: Ops<T>, params: unknown, x: T, state: unknown, pass: Pass<T>): { y: T; state: unknown }
}

/** The state of a module that keeps nothing. */
export const STATELESS = {}

/** A module of typed parameters and state. */
export function module<P, S>(
  params: P,
  state: S,
  run: <T>(op: Ops<T>, params: Of<P, T>, x: T, state: Of<S, T>, pass: Pass<T>) => { y: T; state: Of<S, T> },
): Module {
  return {
    params: params as SpecTree,
    state: state as SpecTree,
    run: (op, p, x, s, pass) => run(op, p as Of<P, typeof x>, x, s as Of<S, typeof x>, pass),
  }
}

/** A pass over ids (B,T) after `filled` (B,1) tokens. */
export function createPass<T>(op: Ops<T>, ids: T, filled: T): Pass<T> {
  const positions = op.add(filled, op.reshape(op.iota(ids, 1), [1, -1])) //                   (B, T)
  const known = new Map<string, RotaryTable<T>>()
  return {
    ids,
    filled,
    positions,
    rotary(frequencies, scale) {
      const key = JSON.stringify([frequencies, scale])
      const found = known.get(key)
      if (found) return found
      const angles = op.mul(op.reshape(positions, [0, 0, 1]), op.table(frequencies, [1, 1, frequencies.length]))
      const scaled = (x: T): T => (scale === 1 ? x : op.mul(x, op.constant(scale)))
      const rotated = 2 * frequencies.length
      const made = { cos: scaled(op.cos(angles)), sin: scaled(op.sin(angles)), rotated, frequencies, scale }
      known.set(key, made)
      return made
    },
  }
}

/** The count of tokens after a pass: filled (B,1) + T. */
export const filledAfter = <T>(op: Ops<T>, { ids, filled }: Pass<T>): T =>
  op.add(filled, op.add(op.max(op.iota(ids, 1), 0), op.constant(1)))
