/** Exports a controller: a bundle of its graph, for the embedder whose vectors it was trained on. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { type ControllerReference, type ControllerVerification, writeController } from '../../exporter/controller.ts'
import { type ControllerModel, controllerModel } from '../../models/architectures/controller.ts'
import { withComposites } from '../../models/composites.ts'
import { ConfigError, type Options } from '../../models/config.ts'
import { fill, startShape } from '../../models/spec.ts'
import type { ControllerEntry, Manifest } from '../../runtime/bundle.ts'
import { FEATURE_NAMES, FEATURES_VERSION, GATES, type Gate } from '../../runtime/controller-features.ts'
import { loadTensorFlow, type Tensor } from '../backends/tensorflow/load.ts'
import { eager } from '../backends/tensorflow/ops.ts'
import { loadCheckpoint, readState } from '../run/checkpoint.ts'

/** What the checkpoint of a controller says of it, in `state.config`. */
export interface ControllerRun {
  readonly name: string
  readonly architecture: 'controller'
  readonly seed: number
  /** Options of the model. */
  readonly model: Options
  readonly embedder: ControllerEntry['embedder']
  /** The version of the list of features that it was trained on. */
  readonly features: number
  readonly thresholds?: Partial<Record<Gate, number>>
}

export interface TrainedController {
  readonly model: ControllerModel
  readonly weights: ReadonlyMap<string, Float32Array>
  readonly run: ControllerRun
  readonly step: number
}

/** Open from one half on, unless the run says otherwise. */
const THRESHOLD = 0.5

/** Reads a checkpoint or a run's last one; undefined where it is none of a controller. Throws ConfigError. */
export async function loadController(run: string): Promise<TrainedController | undefined> {
  const folder = existsSync(join(run, 'last')) ? join(run, 'last') : run
  const { state } = await readState(folder)
  const config = state['config'] as unknown as ControllerRun
  if (config.architecture !== 'controller') return undefined
  if (config.features !== FEATURES_VERSION)
    throw new ConfigError(
      `${folder}: expected a controller of features version ${FEATURES_VERSION}, got ${config.features}; train it again`,
    )
  const { model: tensors, step } = await loadCheckpoint(folder)
  const weights = new Map(Object.entries(tensors).map(([path, { data }]) => [path, data as Float32Array]))
  return { model: controllerModel(config.model), weights, run: config, step }
}

/** Writes the bundle. Throws ExportError or VerificationError. */
export async function exportController(
  { model, weights, run, step }: TrainedController,
  { out, name }: { readonly out: string; readonly name: string },
): Promise<{ readonly manifest: Manifest; readonly verification: ControllerVerification }> {
  const entry: ControllerEntry = {
    features: { version: FEATURES_VERSION, names: [...FEATURE_NAMES] },
    gates: [...GATES],
    experts: model.config.experts,
    embedder: run.embedder,
    thresholds: Object.fromEntries(GATES.map((gate) => [gate, run.thresholds?.[gate] ?? THRESHOLD])),
  }
  const source = { recipe: run.name, step, seed: run.seed }
  const reference = await controllerReference(model, weights)
  return writeController({ model, weights, reference, out, name, entry, source })
}

/** The definition, run eagerly by TF.js. */
export async function controllerReference(
  model: ControllerModel,
  weights: ReadonlyMap<string, Float32Array>,
): Promise<ControllerReference> {
  const { tf } = await loadTensorFlow()
  const op = withComposites<Tensor>(eager(tf))
  return async (rows, query, features) => {
    tf.engine().startScope()
    const params = fill(model.params, (path, { shape }) => tf.tensor(weights.get(path)!, startShape(shape, 1)))
    const made = model.control<Tensor>(op, params, {
      query: tf.tensor2d(query, [rows, model.config.query]),
      features: tf.tensor2d(features, [rows, model.features]),
    })
    const read = async (x: Tensor): Promise<Float32Array> => (await x.data()) as Float32Array
    const found = {
      gates: await read(made.gates),
      experts: await read(made.experts),
      uncertainty: await read(made.uncertainty),
    }
    tf.engine().endScope()
    return found
  }
}
