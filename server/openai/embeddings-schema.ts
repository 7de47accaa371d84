/** The body of POST /v1/embeddings. */
import { z } from 'zod'
import type { EmbeddingInput } from '../embedding/messages.ts'
import { done, needed, noEffect, refused, strict } from './field.ts'
import { modelName } from './fields.ts'
import { promptsSchema } from './prompt-schema.ts'

/** Of one request, as OpenAI has it. */
export const MAX_INPUTS = 2048

const input = promptsSchema(MAX_INPUTS, 'inputs').transform((prompts): EmbeddingInput[] =>
  prompts.map((prompt) => (prompt.kind === 'text' ? prompt.text : prompt.ids)),
)

export const embeddingFields = {
  model: modelName,
  input: needed(input, `A string, token ids of the embedder (read as they are), or 1 to ${MAX_INPUTS} of either.`),
  encoding_format: done(z.enum(['float', 'base64']), '`float`, or `base64`: the float32 numbers, little-endian.'),
  dimensions: done(z.int().min(1), 'The first so many numbers of a vector, with its length made 1 again.'),
  truncate_prompt_tokens: done(
    z
      .int()
      .min(-1)
      .refine((tokens) => tokens !== 0, 'expected a number of tokens, or -1 for all that the model reads'),
    'vLLM. The end of a longer input is cut off, at so many tokens; -1: as many as the model reads. Without it a longer input is refused.',
  ),
  user: noEffect('A label.'),
  metadata: noEffect('A label.'),
  priority: noEffect('vLLM. Tenants take turns.'),
  request_id: noEffect('vLLM.'),
  add_special_tokens: refused('vLLM.', true),
  input_type: refused('Texts get no prefix of their own.'),
}

export const embeddingRequest = strict(embeddingFields)

export type EmbeddingRequest = z.output<typeof embeddingRequest>
