/** The five decisions of a turn: by the request, by the controller, or by thresholds. */
import { GATES, type Gate } from '../../runtime/controller-features.ts'

/** Who decided. `unavailable`: nobody, for there was nothing that an open gate would have changed. */
export type Decider = 'forced' | 'controller' | 'threshold' | 'unavailable'

export interface GateDecision {
  readonly open: boolean
  readonly by: Decider
  /** What the controller gave it; null without one. */
  readonly probability: number | null
  /** From which probability on it would be open; null without a controller. */
  readonly threshold: number | null
}

export type Decisions = Readonly<Record<Gate, GateDecision>>

/** What the request says of a gate; null: nothing. */
export type Forced = Readonly<Record<Gate, boolean | null>>

export interface Deciding {
  readonly forced: Forced
  /** Whether an open gate changes anything. */
  readonly available: Readonly<Record<Gate, boolean>>
  /** What is done without a controller. */
  readonly defaults: Readonly<Record<Gate, boolean>>
  /** The controller's probabilities and where they open a gate; null where no controller decides. */
  readonly controller: {
    readonly probabilities: Readonly<Record<Gate, number>>
    readonly thresholds: Readonly<Record<Gate, number>>
  } | null
}

export function decide({ forced, available, defaults, controller }: Deciding): Decisions {
  const decided = (gate: Gate): GateDecision => {
    const probability = controller?.probabilities[gate] ?? null
    const threshold = controller?.thresholds[gate] ?? null
    const told = { probability, threshold }
    if (!available[gate]) return { open: false, by: 'unavailable', ...told }
    if (forced[gate] !== null) return { open: forced[gate], by: 'forced', ...told }
    if (probability === null || threshold === null) return { open: defaults[gate], by: 'threshold', ...told }
    return { open: probability >= threshold, by: 'controller', ...told }
  }
  return Object.fromEntries(GATES.map((gate) => [gate, decided(gate)])) as Record<Gate, GateDecision>
}
