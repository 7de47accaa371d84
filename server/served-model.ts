/** A bundle as the HTTP side knows it: its description and the engine that runs it. */
import type { Engine } from './engine/client.ts'
import type { ModelInfo } from './engine/messages.ts'
import { ApiError } from './openai/errors.ts'

export interface ModelDescription {
  readonly name: string
  /** sha256 of the bundle's manifest: a state belongs to one bundle. */
  readonly bundle: string
  readonly architecture: string
  readonly kernels: string
  readonly parameters: number
  /** Seconds since 1970. */
  readonly created: number
  /** Tokens that a conversation may have, the reply included; null where there is no limit. */
  readonly contextLength: number | null
  /** It says what its user told, and knows nothing else. */
  readonly knowsOnlyTold: boolean
  readonly defaults: { readonly temperature: number; readonly topP: number; readonly maxTokens: number }
}

export interface ServedModel extends ModelDescription {
  readonly engine: Engine
  /** Null before the model was loaded first, and while its engine is started again. */
  readonly info: ModelInfo | null
  /** Whether it is in memory, ready to compute. */
  readonly loaded: boolean
  /** Whether its thread has died and is started again. */
  readonly restarting: boolean
  /** Requests that wait for it to be loaded first. */
  readonly preparing: number
  /** Loads the model unless something is known of it already. Rejects with AdmissionError or BusyError. */
  prepare(owner: string, signal: AbortSignal): Promise<void>
}

/** The model of that name; the first one when a request names none, or an empty one. */
export function pickModel(models: readonly ServedModel[], name: string | null | undefined): ServedModel {
  const model = name ? models.find((m) => m.name === name) : models[0]
  if (model) return model
  const known = models.map((m) => m.name).join(', ')
  const served = known === '' ? 'No model that writes text is served here.' : `Served: ${known}.`
  const message = name ? `The model '${name.slice(0, 100)}' is not served here. ${served}` : served
  throw new ApiError(404, 'model_not_found', message, { param: 'model' })
}

/** What the engine said about the model; 503 while it is starting. */
export function infoOf(model: ServedModel): ModelInfo {
  if (model.info) return model.info
  throw new ApiError(503, 'model_not_ready', `The model ${model.name} is still starting. Try again.`, { retryAfter: 1 })
}
