/** Sampling as the engine wants it, from the fields of a request and the model's defaults. */
import { randomInt } from 'node:crypto'
import type { Sampling } from '../engine/sampler.ts'
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
}

/** Largest seed that we draw ourselves. */
const SEEDS = 2 ** 47

/** Returns the sampling; `biasParam` names logit_bias in errors. A seed is drawn when none was given, and reported. */
export function toSampling(
  fields: SamplingFields,
  model: ServedModel,
  logprobs: number | null,
  biasParam: string,
): Sampling {
  const { vocab } = infoOf(model)
  const logitBias = Object.entries(fields.logit_bias ?? {}).map(([id, bias]) => [Number(id), bias] as const)
  const wrong = logitBias.find(([id]) => id >= vocab)
  if (wrong) {
    const message = `'${biasParam}': token ${wrong[0]} does not exist: the vocabulary has ${vocab}.`
    throw new ApiError(400, 'invalid_value', message, { param: biasParam })
  }
  return {
    temperature: fields.temperature ?? model.defaults.temperature,
    topP: fields.top_p ?? model.defaults.topP,
    topK: fields.top_k ?? 0,
    minP: fields.min_p ?? 0,
    frequencyPenalty: fields.frequency_penalty ?? 0,
    presencePenalty: fields.presence_penalty ?? 0,
    repetitionPenalty: fields.repetition_penalty ?? 1,
    logitBias,
    seed: fields.seed ?? randomInt(SEEDS),
    logprobs,
  }
}
