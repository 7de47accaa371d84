/** The body of POST /v1/chat/completions. */
import { z } from 'zod'
import {
  choices,
  endUser,
  extraSampling,
  logitBias,
  maxTokens,
  modelName,
  option,
  penalty,
  seed,
  stop,
  streamOptions,
  temperature,
  topLogprobs,
  topP,
  unsupported,
} from './fields.ts'

const textPart = z.strictObject({ type: z.literal('text'), text: z.string() })

const message = z.strictObject({
  role: z.enum(['system', 'developer', 'user', 'assistant']),
  content: z.union([z.string(), z.array(textPart)]),
  name: unsupported(),
  refusal: unsupported(),
  tool_calls: unsupported([]),
  function_call: unsupported(),
  audio: unsupported(),
  annotations: unsupported([]),
})

export const chatRequest = z
  .strictObject({
    model: modelName,
    messages: z.array(message).min(1),
    max_tokens: maxTokens,
    max_completion_tokens: maxTokens,
    temperature,
    top_p: topP,
    n: choices,
    stop,
    seed,
    frequency_penalty: penalty,
    presence_penalty: penalty,
    logit_bias: logitBias,
    logprobs: option(z.boolean()),
    top_logprobs: topLogprobs,
    stream: option(z.boolean()),
    stream_options: streamOptions,
    user: endUser,
    safety_identifier: endUser,
    mneme: option(z.strictObject(extraSampling)),
    response_format: unsupported({ type: 'text' }),
    tools: unsupported([]),
    tool_choice: unsupported('none', 'auto'),
    parallel_tool_calls: unsupported(true, false),
    functions: unsupported([]),
    function_call: unsupported('none'),
    store: unsupported(false),
    metadata: unsupported({}),
    modalities: unsupported(['text']),
    service_tier: unsupported('auto', 'default'),
    audio: unsupported(),
    prediction: unsupported(),
    reasoning_effort: unsupported(),
    verbosity: unsupported(),
    web_search_options: unsupported(),
    prompt_cache_key: unsupported(),
    prompt_cache_retention: unsupported(),
  })
  .refine((r) => r.max_tokens == null || r.max_completion_tokens == null, {
    message: 'give this or max_completion_tokens, not both',
    path: ['max_tokens'],
  })
  .refine((r) => r.top_logprobs == null || r.logprobs === true, {
    message: 'needs logprobs: true',
    path: ['top_logprobs'],
  })
  .refine((r) => r.stream_options == null || r.stream === true, {
    message: 'needs stream: true',
    path: ['stream_options'],
  })

export type ChatRequest = z.output<typeof chatRequest>
