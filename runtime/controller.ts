/** The controller of a bundle as a function: the vector of a message and the features of a turn in, its decisions out. */
import type { Bundle, ControllerEntry } from './bundle.ts'
import { FEATURE_NAMES, FEATURES_VERSION, GATES, type Gate } from './controller-features.ts'
import type { GraphOptions } from './graph.ts'
import { ManifestError } from './manifest.ts'
import { openGraph } from './open-graph.ts'
import { createTensor } from './tensor.ts'

/** Before a sigmoid, row after row. */
export interface ControllerRows {
  readonly gates: Float32Array
  readonly experts: Float32Array
  readonly uncertainty: Float32Array
}

/** The sizes of a controller's inputs and outputs. */
export interface ControllerSizes {
  readonly query: number
  readonly features: number
  readonly gates: number
  readonly experts: number
}

export interface ControllerGraph {
  /** One run over so many rows. */
  run(rows: number, query: Float32Array, features: Float32Array): Promise<ControllerRows>
  close(): void
}

/** What the controller thinks of one turn. */
export interface ControllerOutput {
  /** The probability with which each gate should be open. */
  readonly gates: Readonly<Record<Gate, number>>
  /** What is added to the logits of a router. */
  readonly experts: readonly number[]
  /** The probability that the reply is wrong. */
  readonly uncertainty: number
}

export interface Controller {
  readonly entry: ControllerEntry
  control(query: Float32Array, features: Float32Array): Promise<ControllerOutput>
  close(): void
}

/** Opens the controller of a bundle. Throws ManifestError where it has none, or one that was made for other features. */
export async function openController(bundle: Bundle, options: GraphOptions = {}): Promise<Controller> {
  const { graphs, controller: entry, name } = bundle.manifest
  if (!graphs.controller || !entry)
    throw new ManifestError(`${name}: expected a bundle with a controller, got one without; mneme export makes one`)
  requireFeatures(entry, name)
  const graph = await openControllerGraph(bundle.path(graphs.controller.file), sizesOf(entry), options)
  return {
    entry,
    async control(query, features) {
      const { gates, experts, uncertainty } = await graph.run(1, query, features)
      const probabilities = GATES.map((gate, i) => [gate, sigmoid(gates[i]!)])
      return {
        gates: Object.fromEntries(probabilities) as Record<Gate, number>,
        experts: [...experts],
        uncertainty: sigmoid(uncertainty[0]!),
      }
    },
    close: () => graph.close(),
  }
}

export const sizesOf = ({ features, gates, experts, embedder }: ControllerEntry): ControllerSizes => ({
  query: embedder.width,
  features: features.names.length,
  gates: gates.length,
  experts,
})

/** Opens the file of a controller, or its bytes. */
export async function openControllerGraph(
  file: string | Uint8Array,
  { query: queries, features: count, gates: decisions, experts: biases }: ControllerSizes,
  options: GraphOptions = {},
): Promise<ControllerGraph> {
  const graph = await openGraph(file, options)
  return {
    async run(rows, query, features) {
      const gates = createTensor('float32', [rows, decisions])
      const experts = createTensor('float32', [rows, biases])
      const uncertainty = createTensor('float32', [rows, 1])
      const inputs = {
        query: createTensor('float32', [rows, queries], query),
        features: createTensor('float32', [rows, count], features),
      }
      const binding = graph.bind(inputs, { gates, experts, uncertainty })
      try {
        await binding.run()
      } finally {
        binding.release()
      }
      return { gates: gates.data, experts: experts.data, uncertainty: uncertainty.data }
    },
    close: () => graph.close(),
  }
}

/** Its numbers mean something only where they are of the features that are computed here, in their order. */
function requireFeatures({ features, gates }: ControllerEntry, name: string): void {
  const where = `${name}: controller`
  if (features.version !== FEATURES_VERSION || features.names.join() !== FEATURE_NAMES.join())
    throw new ManifestError(
      `${where}.features: expected version ${FEATURES_VERSION} with its ${FEATURE_NAMES.length} names, ` +
        `got version ${features.version} with ${features.names.length}; train and export it with this mneme`,
    )
  if (gates.join() !== GATES.join())
    throw new ManifestError(`${where}.gates: expected ${GATES.join(', ')}, got ${gates.join(', ')}`)
}

const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x))
