/** The fields that requests share. Every limit is here, with its reason. */
import { z } from 'zod'

/** Replies of one request at most: each is a row of the batch (docs of vLLM advise a limit after CVE-2026-34756). */
export const MAX_CHOICES = 16
/** Prompts of one request times its choices. */
export const MAX_LINES = 64
/** Tokens of one reply at most. */
export const MAX_OUTPUT_TOKENS = 131_072
const MAX_STOPS = 4
const MAX_STOP_LENGTH = 256
const MAX_BIASES = 1024
const MAX_TOP_LOGPROBS = 20

/** An optional parameter for which null means the default, as OpenAI's clients send it. */
export const option = <S extends z.ZodType>(schema: S) => schema.nullish()

/** A parameter of OpenAI's that is not supported: only absence, null and the values that mean "without" pass. */
export function unsupported(...neutral: readonly unknown[]) {
  const plain = neutral.map((value) => JSON.stringify(value))
  return z
    .any()
    .refine((value) => value === null || plain.includes(JSON.stringify(value)), {
      message: 'this parameter is not supported here' + (plain.length > 0 ? `, except as ${plain.join(' or ')}` : ''),
      params: { code: 'unsupported_parameter' },
    })
    .optional()
}

export const modelName = z.string().min(1).max(256)
export const temperature = option(z.number().min(0).max(2))
export const topP = option(z.number().min(0).max(1))
export const penalty = option(z.number().min(-2).max(2))
export const seed = option(z.int())
export const choices = option(z.int().min(1).max(MAX_CHOICES))
export const topLogprobs = option(z.int().min(0).max(MAX_TOP_LOGPROBS))
export const endUser = option(z.string().max(512))

/** Tokens of a reply. */
export const maxTokens = option(
  z
    .int()
    .min(1)
    .refine((n) => n <= MAX_OUTPUT_TOKENS, {
      message: `at most ${MAX_OUTPUT_TOKENS} tokens are generated in one reply`,
      params: { code: 'context_length_exceeded' },
    }),
)

const stopString = z.string().min(1).max(MAX_STOP_LENGTH)
export const stop = option(z.union([stopString, z.array(stopString).max(MAX_STOPS)]))

export const logitBias = option(
  z
    .record(z.string().regex(/^\d{1,9}$/, 'expected a token id'), z.number().min(-100).max(100))
    .refine((biases) => Object.keys(biases).length <= MAX_BIASES, `expected at most ${MAX_BIASES} tokens`),
)

/** Sampling that OpenAI's API does not have. */
export const extraSampling = {
  top_k: option(z.int().min(0).max(1_000_000)),
  min_p: option(z.number().min(0).max(1)),
  repetition_penalty: option(z.number().min(0.1).max(10)),
}

export const streamOptions = option(
  z.strictObject({ include_usage: option(z.boolean()), include_obfuscation: unsupported(false) }),
)

/** At most 16 pairs of short strings, kept with the response. */
export const metadata = option(
  z
    .record(z.string().max(64), z.string().max(512))
    .refine((pairs) => Object.keys(pairs).length <= 16, 'expected at most 16 pairs'),
)

/** A list of stop strings. */
export function stopsOf(value: z.output<typeof stop>): string[] {
  return typeof value === 'string' ? [value] : (value ?? [])
}
