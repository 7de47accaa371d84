/** The body of POST /v1/completions. */
import { z } from 'zod'
import { done, needed, noEffect, refused, strict } from './field.ts'
import {
  choices,
  hints,
  MAX_REPLIES,
  mneme,
  modelName,
  otherSampling,
  outputTokens,
  noReasoning,
  sampling,
  streamOptions,
} from './fields.ts'
import { promptSchema } from './prompt-schema.ts'

const MAX_LOGPROBS = 5

export const completionFields = {
  model: modelName,
  prompt: needed(promptSchema, `A string, token ids, or 1 to ${MAX_REPLIES} of either.`),
  max_tokens: done(outputTokens(0), 'Tokens of a reply at most; 0 with `echo: true`. Default: 16.'),
  n: done(choices, `1 to 16 replies to each prompt, ${MAX_REPLIES} in all.`),
  best_of: done(choices, 'Accepted with the value of `n`.'),
  ...sampling,
  echo: done(z.boolean(), 'Begin each reply with its prompt.'),
  logprobs: done(
    z.int().min(0).max(MAX_LOGPROBS),
    'Log-probabilities with 0 to 5 alternatives; with `echo` of the prompt too.',
  ),
  stream: done(z.boolean(), 'Server-sent events.'),
  stream_options: streamOptions,
  mneme,
  ...hints,
  metadata: noEffect('A label.'),
  ...noReasoning,
  suffix: refused('No model here fills in the middle.', ''),
  add_special_tokens: refused('vLLM.', true),
  response_format: refused('Replies are free text.', { type: 'text' }),
  prompt_embeds: refused('vLLM.', []),
  ...otherSampling,
}

export const completionRequest = strict(completionFields)
  .refine((r) => r.max_tokens !== 0 || r.echo === true, {
    message: 'may be 0 only with echo: true',
    path: ['max_tokens'],
  })
  .refine((r) => r.best_of == null || r.best_of === (r.n ?? 1), {
    message: 'choosing among more replies than n is not supported',
    path: ['best_of'],
    params: { code: 'unsupported_parameter' },
  })
  .refine((r) => r.prompt.length * (r.n ?? 1) <= MAX_REPLIES, {
    message: `prompts times n may be at most ${MAX_REPLIES}`,
    path: ['n'],
  })

export type CompletionRequest = z.output<typeof completionRequest>
