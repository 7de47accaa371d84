/** The graph of a controller: traced, held to another backend's numbers, and written as a bundle. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { ControllerLogits, ControllerModel } from '../models/architectures/controller.ts'
import { countParameters, fill } from '../models/spec.ts'
import { bundleFolder, type ControllerEntry, type Manifest, writeManifest } from '../runtime/bundle.ts'
import { openControllerGraph, type ControllerGraph, type ControllerRows } from '../runtime/controller.ts'
import { replaceFolder } from '../runtime/replace-folder.ts'
import { encoderOps } from './embedder.ts'
import { GraphBuilder, type Port, type Value } from './onnx/graph.ts'
import { difference, TOLERANCE, VerificationError } from './verify.ts'
import { checkWeights, type Weights } from './weights.ts'

export interface TracedController {
  readonly inputs: readonly Port[]
  readonly outputs: readonly Port[]
  readonly bytes: Uint8Array
}

/** Logits of rows by another backend: query (rows, Q), features (rows, F). */
export type ControllerReference = (rows: number, query: Float32Array, features: Float32Array) => Promise<ControllerRows>

/** How far the graph is from the definition by another backend, and a batch from its rows: relative to the largest logit. */
export interface ControllerVerification {
  readonly rows: number
  readonly againstReference: number
  readonly rowByRow: number
}

export interface ControllerExport {
  readonly model: ControllerModel
  readonly weights: Weights
  readonly reference: ControllerReference
  readonly out: string
  readonly name: string
  readonly entry: ControllerEntry
  /** Where the weights come from. */
  readonly source: Readonly<Record<string, unknown>>
}

/** Any batch. Throws ExportError where weights are missing or of another size. */
export function traceController(model: ControllerModel, weights: Weights): TracedController {
  checkWeights(model, weights)
  const graph = new GraphBuilder()
  const op = encoderOps({ at: graph })
  const params = fill(model.params, (path, spec) =>
    graph.initializer(path, 'float32', spec.shape.map(Number), weights.get(path)!),
  )
  const made = model.control<Value>(op, params, { query: { name: 'query' }, features: { name: 'features' } })
  const outputs = OUTPUTS.map((name) => {
    graph.output(made[name], name)
    return portOf(name, { ...model.config, uncertainty: 1 }[name])
  })
  const inputs = [portOf('query', model.config.query), portOf('features', model.features)]
  return { inputs, outputs, bytes: graph.model('controller', inputs, outputs) }
}

const OUTPUTS = ['gates', 'experts', 'uncertainty'] as const satisfies readonly (keyof ControllerLogits<Value>)[]
const portOf = (name: string, size: number): Port => ({ name, dtype: 'float32', shape: ['batch', size] })

/** Rows of the verification. */
const ROWS = 32

/** Throws VerificationError where a difference is larger than rounding. */
export async function verifyController(
  { bytes }: TracedController,
  model: ControllerModel,
  reference: ControllerReference,
): Promise<ControllerVerification> {
  const { query: queries } = model.config
  const query = spread(ROWS * queries, -1)
  const features = spread(ROWS * model.features, 0)
  const graph = await openControllerGraph(bytes, { ...model.config, features: model.features })
  try {
    const whole = await graph.run(ROWS, query, features)
    const found = {
      rows: ROWS,
      againstReference: largest(whole, await reference(ROWS, query, features)),
      rowByRow: largest(whole, await rowByRow(graph, { query, features }, { queries, features: model.features })),
    }
    for (const name of ['againstReference', 'rowByRow'] as const)
      if (!(found[name] <= TOLERANCE))
        throw new VerificationError(
          `controller: ${name}: expected logits within ${TOLERANCE} of the largest one, got ${found[name].toExponential(2)}`,
        )
    return found
  } finally {
    graph.close()
  }
}

async function rowByRow(
  graph: ControllerGraph,
  { query, features }: { readonly query: Float32Array; readonly features: Float32Array },
  sizes: { readonly queries: number; readonly features: number },
): Promise<ControllerRows> {
  const row = (all: Float32Array, at: number, size: number): Float32Array => all.slice(at * size, (at + 1) * size)
  const alone: ControllerRows[] = []
  for (let at = 0; at < ROWS; at++)
    alone.push(await graph.run(1, row(query, at, sizes.queries), row(features, at, sizes.features)))
  const joined = (name: keyof ControllerRows): Float32Array =>
    Float32Array.from(alone.flatMap((rows) => [...rows[name]]))
  return { gates: joined('gates'), experts: joined('experts'), uncertainty: joined('uncertainty') }
}

/** Numbers from `low` to 1 in no order, the same every time. */
const spread = (count: number, low: number): Float32Array =>
  Float32Array.from({ length: count }, (_, i) => low + (1 - low) * ((i * 0.618_034) % 1))

const largest = (got: ControllerRows, expected: ControllerRows): number =>
  Math.max(...OUTPUTS.map((name) => difference(got[name], expected[name]).relative))

/** Writes the bundle of a controller once its graph is verified. A folder that holds anything but a bundle is left alone. */
export async function writeController(
  o: ControllerExport,
): Promise<{ readonly manifest: Manifest; readonly verification: ControllerVerification }> {
  const { model, entry } = o
  const traced = traceController(model, o.weights)
  const verification = await verifyController(traced, model, o.reference)
  const file = 'controller.onnx'
  const manifest = await replaceFolder(o.out, bundleFolder, async (folder) => {
    await writeFile(join(folder, file), traced.bytes)
    return writeManifest(folder, {
      format: 'mneme-bundle',
      version: 1,
      name: o.name,
      architecture: model.architecture,
      config: { ...model.config },
      parameters: countParameters(model.params),
      graphs: { controller: { file, kernels: 'fused', inputs: [...traced.inputs], outputs: [...traced.outputs] } },
      controller: entry,
      state: [],
      generation: {},
      verification: { ...verification },
      source: { ...o.source },
    })
  })
  return { manifest, verification }
}
