/** The controller as the HTTP side knows it, and what gates are decided by. */
import type { ControllerEntry } from '../../runtime/bundle.ts'
import { GATES, type Gate } from '../../runtime/controller-features.ts'
import type { ControllerOutput } from '../../runtime/controller.ts'
import type { EmbedderThread } from '../embedding/embedders.ts'
import type { ServedEmbedder } from '../embedding/served-embedder.ts'

/** A controller to serve. */
export interface ControllerSource {
  readonly name: string
  /** sha256 of the bundle's manifest. */
  readonly bundle: string
  readonly parameters: number
  readonly entry: ControllerEntry
  /** Of the bundle. */
  readonly folder: string
}

export interface ServedController {
  readonly name: string
  readonly bundle: string
  readonly parameters: number
  /** Experts for which it has a bias. */
  readonly experts: number
  /** Numbers of the vector that it reads. */
  readonly width: number
  readonly thresholds: Readonly<Record<Gate, number>>
  /** Rejects where its thread fails, or with the signal's reason. */
  readonly control: (query: Float32Array, features: Float32Array, signal: AbortSignal) => Promise<ControllerOutput>
}

/** Thresholds of the configuration. */
export type GateThresholds = Partial<Readonly<Record<Gate, number>>>

/** What decides gates that no request forces. */
export interface Gating {
  /** Null: thresholds decide. */
  readonly controller: ServedController | null
  /** Why a controller that was given is not used; null where it is, or none was given. */
  readonly refused: string | null
  readonly thresholds: GateThresholds
}

/** Of a gate that neither the configuration nor the bundle has a threshold for. */
const THRESHOLD = 0.5

/**
 * Opens a controller. One that was made for the vectors of another embedder would read noise: it is not used, and the
 * sentence says why. Throws where it cannot be opened.
 */
export async function startController(
  source: ControllerSource | null,
  [embedder]: readonly ServedEmbedder[],
  thread: EmbedderThread,
  thresholds: GateThresholds,
): Promise<Gating> {
  if (!source) return { controller: null, refused: null, thresholds }
  const { name, bundle, parameters, entry, folder } = source
  const { embedder: made, experts } = entry
  if (embedder?.bundle !== made.bundle)
    return { controller: null, refused: otherEmbedder(source, embedder), thresholds }
  const { control } = await thread.openController(folder).catch((cause: unknown) => {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new Error(`the controller ${name} cannot be opened: ${reason}`, { cause })
  })
  const own = GATES.map((gate) => [gate, thresholds[gate] ?? entry.thresholds[gate] ?? THRESHOLD])
  const served = { thresholds: Object.fromEntries(own) as Record<Gate, number>, experts, width: made.width }
  return { controller: { name, bundle, parameters, ...served, control }, refused: null, thresholds }
}

function otherEmbedder({ name, entry: { embedder } }: ControllerSource, served: ServedEmbedder | undefined): string {
  const got = served ? `${served.name} ${served.bundle.slice(0, 12)}` : 'none'
  return (
    `the controller ${name} reads vectors of ${embedder.name} ${embedder.bundle.slice(0, 12)}, and the first embedder ` +
    `served is ${got}: gates are decided by thresholds`
  )
}
