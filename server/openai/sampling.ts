/** Sampling as the engine wants it, from the fields of a request and the model's defaults. */
import { randomInt } from 'node:crypto'
import type { Sampling } from '../engine/sampler.ts'
import type { NewTurn } from '../run-turn.ts'
import type { ServedModel } from '../served-model.ts'
import { infoOf } from '../served-model.ts'
import { ApiError } from './errors.ts'

export interface SamplingFields {
  readonly temperature?: number | null | undefined
  readonly top_p?: number | null | undefined
  readonly top_k?: number | null | undefined
  readonly min_p?: number | null | undefined
  readonly frequency_penalty?: number | null | undefined
  readonly presence_penalty?: number | null | undefined
  readonly repetition_penalty?: number | null | undefined
  readonly logit_bias?: Readonly<Record<string, number>> | null | undefined
  readonly seed?: number | null | undefined
  readonly stop?: readonly string[] | null | undefined
}

/** A request with sampling at top level, under `mneme`, or both. */
export interface SampledRequest extends SamplingFields {
  readonly mneme?: (SamplingFields & { readonly bundle?: string | null | undefined }) | null | undefined
}

const NAMES = [
  'temperature',
  'top_p',
  'top_k',
  'min_p',
  'frequency_penalty',
  'presence_penalty',
  'repetition_penalty',
  'logit_bias',
  'seed',
  'stop',
] as const satisfies readonly (keyof SamplingFields)[]

/** Largest seed that we draw ourselves. */
const SEEDS = 2 ** 47

export interface Drawing {
  readonly sampling: Sampling
  readonly stop: readonly string[]
}

/** Throws ApiError. A seed is drawn when none was given, and reported. `logprobs`: alternatives, null for none. */
export function drawingOf(request: SampledRequest, model: ServedModel, logprobs: number | null): Drawing {
  requireBundle(request, model)
  const fields = mergedFields(request)
  const sampling: Sampling = {
    temperature: fields.temperature ?? model.defaults.temperature,
    topP: fields.top_p ?? model.defaults.topP,
    topK: Math.max(0, fields.top_k ?? 0),
    minP: fields.min_p ?? 0,
    frequencyPenalty: fields.frequency_penalty ?? 0,
    presencePenalty: fields.presence_penalty ?? 0,
    repetitionPenalty: fields.repetition_penalty ?? 1,
    logitBias: biasesOf(request, fields, model),
    seed: fields.seed ?? randomInt(SEEDS),
    logprobs,
  }
  return { sampling, stop: fields.stop ?? [] }
}

/** A turn that only reads its prompt. */
export const NO_REPLY = { maxTokens: 0, leastTokens: 0 } as const

/** A length that was asked for has to fit into the model's context; the default may be cut short by its end. */
export function replyLength(
  asked: number | null | undefined,
  byDefault: number,
): Pick<NewTurn, 'maxTokens' | 'leastTokens'> {
  if (asked == null) return { maxTokens: byDefault, leastTokens: Math.min(1, byDefault) }
  return { maxTokens: asked, leastTokens: asked }
}

/** The fields of both places. Throws ApiError where they contradict each other. */
function mergedFields(request: SampledRequest): SamplingFields {
  const { mneme } = request
  const twice = NAMES.find(
    (name) =>
      request[name] != null && mneme?.[name] != null && JSON.stringify(request[name]) !== JSON.stringify(mneme[name]),
  )
  if (twice !== undefined) {
    const message = `'mneme.${twice}': it says something else than '${twice}'; give one of them.`
    throw new ApiError(400, 'invalid_value', message, { param: `mneme.${twice}` })
  }
  return Object.fromEntries(NAMES.map((name) => [name, request[name] ?? mneme?.[name]]))
}

function biasesOf(request: SampledRequest, fields: SamplingFields, model: ServedModel): Sampling['logitBias'] {
  const { vocab } = infoOf(model)
  const biases = Object.entries(fields.logit_bias ?? {}).map(([id, bias]) => [Number(id), bias] as const)
  const wrong = biases.find(([id]) => id >= vocab)
  if (!wrong) return biases
  const param = request.logit_bias == null ? 'mneme.logit_bias' : 'logit_bias'
  const message = `'${param}': token ${wrong[0]} does not exist: the vocabulary has ${vocab}.`
  throw new ApiError(400, 'invalid_value', message, { param })
}

function requireBundle({ mneme }: SampledRequest, model: ServedModel): void {
  if (mneme?.bundle == null || mneme.bundle === model.bundle) return
  const message = `'mneme.bundle': ${model.name} is bundle ${model.bundle.slice(0, 12)}, not ${mneme.bundle.slice(0, 12)}.`
  throw new ApiError(400, 'bundle_mismatch', message, { param: 'mneme.bundle' })
}
