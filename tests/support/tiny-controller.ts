/** A small controller of random weights, as a checkpoint of a run and as a bundle. */
import { type ControllerModel, controllerModel } from '../../models/architectures/controller.ts'
import { FEATURE_GROUPS, FEATURES_VERSION, type Gate } from '../../runtime/controller-features.ts'
import { initialise } from '../../trainer/backends/initialise.ts'
import { exportController, type ControllerRun } from '../../trainer/export/controller.ts'
import { saveCheckpoint } from '../../trainer/run/checkpoint.ts'
import type { NamedTensors } from '../../trainer/safetensors.ts'
import type { JsonValue } from '../../trainer/data/batch.ts'
import { Random } from '../../trainer/random.ts'

export interface TinyController {
  readonly embedder: ControllerRun['embedder']
  readonly experts?: number
  /** Biases of the heads: what the controller says whatever it reads. */
  readonly says?: { readonly gates?: readonly number[]; readonly experts?: readonly number[] }
  readonly thresholds?: Partial<Record<Gate, number>>
}

export const tinyOptions = (query: number, experts = 4) => ({
  query,
  groups: [...FEATURE_GROUPS],
  experts,
  width: 16,
  layers: 2,
  hidden: 24,
  summary: 8,
  group: 6,
})

/** Weights that are nowhere zero. */
export function randomController(model: ControllerModel, seed = 1): Map<string, Float32Array> {
  const weights = initialise(model.params, seed)
  const random = new Random(`controller ${seed}`)
  for (const data of weights.values()) for (let i = 0; i < data.length; i++) data[i]! += 0.1 * random.normal()
  return weights
}

/** Writes a run with one checkpoint. */
export async function saveController(run: string, { embedder, experts, says, thresholds }: TinyController) {
  const options = tinyOptions(embedder.width, experts)
  const model = controllerModel(options)
  const weights = randomController(model)
  for (const head of ['gates', 'experts'] as const) {
    const given = says?.[head]
    if (!given) continue
    weights.get(`${head}.weight`)!.fill(0)
    weights.get(`${head}.bias`)!.set(given)
  }
  const tensors: NamedTensors = Object.fromEntries(
    [...weights].map(([path, data]) => [path, { dtype: 'float32', dims: [data.length], data }]),
  )
  const config: ControllerRun = {
    name: 'controller',
    architecture: 'controller',
    seed: 1,
    model: options,
    embedder,
    features: FEATURES_VERSION,
    ...(thresholds && { thresholds }),
  }
  const state = { config: config as unknown as JsonValue }
  await saveCheckpoint(run, { step: 1, state, model: tensors, optimizer: {}, carry: {} })
  return { model, weights, run: config, step: 1 }
}

/** Writes a bundle without a checkpoint. */
export async function writeTinyController(out: string, run: string, tiny: TinyController): Promise<string> {
  await exportController(await saveController(run, tiny), { out, name: 'controller' })
  return out
}
