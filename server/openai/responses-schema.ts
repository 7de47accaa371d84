/** The body of POST /v1/responses and of a WebSocket's response.create. */
import { z } from 'zod'
import {
  endUser,
  extraSampling,
  logitBias,
  maxTokens,
  metadata,
  modelName,
  option,
  penalty,
  seed,
  stop,
  temperature,
  topLogprobs,
  topP,
  unsupported,
} from './fields.ts'

const textPart = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('input_text'), text: z.string() }),
  // What a client got as output it may send back as input.
  z.strictObject({
    type: z.literal('output_text'),
    text: z.string(),
    annotations: z.array(z.unknown()).max(0).optional(),
    logprobs: z.array(z.unknown()).optional(),
    // Put there by the SDK's streaming helper.
    parsed: unsupported(),
  }),
])

const messageItem = z.strictObject({
  type: z.literal('message').optional(),
  id: z.string().max(128).optional(),
  status: z.enum(['in_progress', 'completed', 'incomplete']).optional(),
  role: z.enum(['user', 'assistant', 'system', 'developer']),
  content: z.union([z.string(), z.array(textPart)]),
})

export type InputItem = z.output<typeof messageItem>

const mneme = z.strictObject({
  ...extraSampling,
  seed,
  stop,
  frequency_penalty: penalty,
  presence_penalty: penalty,
  logit_bias: logitBias,
})

const responseFields = {
  model: modelName.optional(),
  input: z.union([z.string(), z.array(messageItem)]).optional(),
  instructions: option(z.string()),
  previous_response_id: option(z.string().max(128)),
  store: option(z.boolean()),
  metadata,
  max_output_tokens: maxTokens,
  temperature,
  top_p: topP,
  top_logprobs: topLogprobs,
  include: option(z.array(z.literal('message.output_text.logprobs')).max(1)),
  truncation: option(z.enum(['auto', 'disabled'])),
  user: endUser,
  safety_identifier: endUser,
  mneme: option(mneme),
  text: unsupported({ format: { type: 'text' } }, {}),
  tools: unsupported([]),
  tool_choice: unsupported('none', 'auto'),
  parallel_tool_calls: unsupported(true, false),
  max_tool_calls: unsupported(),
  service_tier: unsupported('auto', 'default'),
  reasoning: unsupported({}),
  conversation: unsupported(),
  context_management: unsupported(),
  moderation: unsupported(),
  prompt: unsupported(),
  prompt_cache_key: unsupported(),
  prompt_cache_options: unsupported(),
  prompt_cache_retention: unsupported(),
}

/** Over HTTP. */
export const responseRequest = z.strictObject({
  ...responseFields,
  stream: option(z.boolean()),
  stream_options: option(z.strictObject({ include_obfuscation: unsupported(false) })),
  background: unsupported(false),
})

/** Over a WebSocket: always streaming; `generate: false` only reads the input. */
export const responseCreate = z.strictObject({
  type: z.literal('response.create'),
  ...responseFields,
  generate: z.boolean().optional(),
  stream: unsupported(true),
  stream_options: option(z.strictObject({ include_obfuscation: unsupported(false) })),
  background: unsupported(false),
})

/** Both, once the transport's own fields have been dealt with. */
export type ResponseRequest = Omit<z.output<typeof responseRequest>, 'stream' | 'stream_options' | 'background'> & {
  readonly generate?: boolean | undefined
}
