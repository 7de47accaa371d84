/**
 * What an outcome is worth: HMST's reward for a reply that is right, fast, cheap, and as sure as it should be,
 * R = (1 or -1) - 0.3 latency / 0.15 s - 0.2 (0.5 active share + 0.3 episodic + 0.2 semantic) - 0.5 (u - wrong)^2.
 */
import { GATES, type Gate } from '../../../runtime/controller-features.ts'

/** Milliseconds that count as one. */
const LATENCY_MS = 150
const WEIGHTS = { latency: 0.3, compute: 0.2, active: 0.5, episodic: 0.3, semantic: 0.2, uncertainty: 0.5 } as const

/** Which gates are open: bit i is that of GATES[i]. */
export type Combination = number

export const COMBINATIONS = 2 ** GATES.length

export const isOpen = (combination: Combination, gate: Gate): boolean =>
  ((combination >> GATES.indexOf(gate)) & 1) === 1

/** The combination as 0 and 1, in the order of GATES. */
export const bitsOf = (combination: Combination): number[] => GATES.map((_, i) => (combination >> i) & 1)

export const combinationOf = (bits: readonly boolean[]): Combination =>
  bits.reduce((sum, open, i) => sum + (open ? 2 ** i : 0), 0)

export interface Outcome {
  readonly isRight: boolean
  /** Milliseconds. */
  readonly latency: number
  /** Of the parameters, the share that a token goes through. */
  readonly activeShare: number
}

/** What a combination computes, from 0 to 1. */
export function computeOf(combination: Combination, activeShare: number): number {
  const open = (gate: Gate): number => (isOpen(combination, gate) ? 1 : 0)
  return WEIGHTS.active * activeShare + WEIGHTS.episodic * open('episodic') + WEIGHTS.semantic * open('semantic')
}

/** The reward without its term on the uncertainty, which only a controller has. */
export function rewardOf(combination: Combination, { isRight, latency, activeShare }: Outcome): number {
  const cost = WEIGHTS.latency * (latency / LATENCY_MS) + WEIGHTS.compute * computeOf(combination, activeShare)
  return (isRight ? 1 : -1) - cost
}

/** That term, for an uncertainty from 0 to 1. */
export const uncertaintyReward = (uncertainty: number, isRight: boolean): number =>
  -WEIGHTS.uncertainty * (uncertainty - (isRight ? 0 : 1)) ** 2
