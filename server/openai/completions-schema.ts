/** The body of POST /v1/completions. */
import { z } from 'zod'
import {
  choices,
  endUser,
  extraSampling,
  logitBias,
  MAX_LINES,
  MAX_OUTPUT_TOKENS,
  modelName,
  option,
  penalty,
  seed,
  stop,
  streamOptions,
  temperature,
  topP,
  unsupported,
} from './fields.ts'

const tokenIds = z.array(z.int().min(0)).min(1)
const MAX_LOGPROBS = 5

export const completionRequest = z
  .strictObject({
    model: modelName,
    prompt: z.union([
      z.string(),
      tokenIds,
      z.array(z.string()).min(1).max(MAX_LINES),
      z.array(tokenIds).min(1).max(MAX_LINES),
    ]),
    max_tokens: option(
      z
        .int()
        .min(0)
        .refine((n) => n <= MAX_OUTPUT_TOKENS, {
          message: `at most ${MAX_OUTPUT_TOKENS} tokens are generated in one reply`,
          params: { code: 'context_length_exceeded' },
        }),
    ),
    temperature,
    top_p: topP,
    n: choices,
    best_of: choices,
    stop,
    seed,
    echo: option(z.boolean()),
    logprobs: option(z.int().min(0).max(MAX_LOGPROBS)),
    frequency_penalty: penalty,
    presence_penalty: penalty,
    logit_bias: logitBias,
    stream: option(z.boolean()),
    stream_options: streamOptions,
    user: endUser,
    mneme: option(z.strictObject(extraSampling)),
    suffix: unsupported(),
  })
  .refine((r) => r.max_tokens !== 0 || r.echo === true, {
    message: 'may be 0 only with echo: true',
    path: ['max_tokens'],
  })
  .refine((r) => r.best_of == null || r.best_of === (r.n ?? 1), {
    message: 'choosing among more replies than n is not supported',
    path: ['best_of'],
    params: { code: 'unsupported_parameter' },
  })
  .refine((r) => promptCount(r.prompt) * (r.n ?? 1) <= MAX_LINES, {
    message: `prompts times n may be at most ${MAX_LINES}`,
    path: ['n'],
  })
  .refine((r) => r.stream_options == null || r.stream === true, {
    message: 'needs stream: true',
    path: ['stream_options'],
  })

export type CompletionRequest = z.output<typeof completionRequest>

function promptCount(prompt: string | readonly unknown[]): number {
  return typeof prompt === 'string' || typeof prompt[0] === 'number' ? 1 : prompt.length
}
