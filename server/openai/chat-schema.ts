/** The body of POST /v1/chat/completions. */
import { z } from 'zod'
import { done, list, loose, needed, noEffect, refused, strict } from './field.ts'
import {
  choices,
  drafts,
  hints,
  chatMneme,
  modelName,
  otherSampling,
  outputTokens,
  reasoning,
  sampling,
  streamOptions,
  topLogprobs,
} from './fields.ts'
import { chatTools } from './tools-schema.ts'

/** A part of a message: text, what an assistant thought, or a refusal that its message has instead. */
const part = z.discriminatedUnion('type', [
  z.looseObject({ type: z.literal('text'), text: z.string() }),
  z.looseObject({ type: z.literal('refusal'), refusal: z.string() }),
  z.looseObject({ type: z.literal('thinking'), thinking: z.string() }),
  z.looseObject({ type: z.literal('reasoning'), text: z.string().nullish(), reasoning: z.string().nullish() }),
  z.looseObject({ type: z.literal('redacted_thinking') }),
])

const toolCall = z.looseObject({
  id: z.string().max(256),
  type: z.literal('function').nullish(),
  function: z.looseObject({ name: z.string().max(256), arguments: z.string().nullish() }),
})

export const messageFields = {
  role: needed(
    z.enum(['system', 'developer', 'user', 'assistant', 'tool']),
    '`system`, `developer`, `user`, `assistant`, `tool`.',
  ),
  content: done(
    z.union([z.string(), z.array(part)]),
    'A string, or parts of type `text`; of an assistant also `thinking` and `reasoning`. Of an assistant null, absent, ' +
      'or parts of type `refusal` read as empty.',
  ),
  tool_calls: done(list(toolCall), 'Of an assistant: functions that it called.'),
  tool_call_id: done(z.string().max(256), 'Of a tool: the call that it answers.'),
  name: done(z.string().max(256), "Of a tool: the function's name. Of others no effect."),
  reasoning_content: done(
    z.string(),
    'Of an assistant: what it thought. Also as `reasoning`, `reasoning_details`, parts of the content, or within the ' +
      "content between the model's delimiters. The model's template says whether it is read again.",
  ),
  reasoning: done(z.string(), 'The same.'),
  reasoning_details: done(list(z.looseObject({ text: z.string().nullish() })), 'The same, in parts with `text`.'),
  function_call: refused('Use `tool_calls`.'),
  audio: refused(''),
  prefix: refused('Replies begin anew.', false),
  partial: refused('Replies begin anew.', false),
  '(others)': noEffect('`refusal`, `annotations`, `cache_control` and so on.'),
}

const { '(others)': _, ...messageShape } = messageFields
const message = loose(messageShape).refine(({ role, content }) => role === 'assistant' || content != null, {
  message: 'expected a string or a list of parts; only an assistant message may have none',
  path: ['content'],
})

export const chatFields = {
  model: modelName,
  messages: needed(list(message, 1), 'At least one; see below.'),
  max_completion_tokens: done(outputTokens(1), 'Tokens of the reply at most. Default: the bundle, else 1,024.'),
  max_tokens: done(outputTokens(1), 'The same; of both, one, or the same value.'),
  n: done(choices, '1 to 16 replies.'),
  ...sampling,
  logprobs: done(z.boolean(), 'Log-probabilities of the reply.'),
  top_logprobs: done(topLogprobs, '0 to 20 alternatives of each token; above 0 with `logprobs: true`.'),
  stream: done(z.boolean(), 'Server-sent events.'),
  stream_options: streamOptions,
  mneme: chatMneme,
  ...hints,
  metadata: done(z.unknown(), '`user_id`: whose memories are used. The rest are labels.'),
  ...reasoning,
  ...drafts,
  prediction: done(
    z.looseObject({
      type: z.literal('content'),
      content: z.union([z.string(), list(z.looseObject({ type: z.literal('text'), text: z.string() }))]),
    }),
    'What the reply will be like: drafts are taken from it. The usage counts the tokens that were right and wrong.',
  ),
  store: done(
    z.boolean(),
    'true: as `prompt_cache_retention: "24h"`, and what the last message of the user tells is remembered. The completion ' +
      'itself is not kept; /v1/responses are.',
  ),
  ...chatTools,
  functions: refused('', []),
  function_call: refused('', 'none', 'auto'),
  web_search_options: refused(''),
  response_format: refused('Replies are free text.', { type: 'text' }),
  verbosity: refused('No model here is trained for it.', 'medium'),
  modalities: refused('', ['text'], []),
  audio: refused(''),
  moderation: refused(''),
  best_of: refused('', 1),
  echo: refused('vLLM.', false),
  chat_template: refused("The bundle's own is used."),
  add_generation_prompt: refused('vLLM.', true),
  continue_final_message: refused('vLLM.', false),
  add_special_tokens: refused('vLLM.', false),
  documents: refused('vLLM.', []),
  mm_processor_kwargs: refused('vLLM.', {}),
  ...otherSampling,
}

export const chatRequest = strict(chatFields)
  .refine((r) => r.max_tokens == null || r.max_completion_tokens == null || r.max_tokens === r.max_completion_tokens, {
    message: 'it says something else than max_completion_tokens; give one of them',
    path: ['max_tokens'],
  })
  .refine((r) => (r.top_logprobs ?? 0) === 0 || r.logprobs === true, {
    message: 'needs logprobs: true',
    path: ['top_logprobs'],
  })

export type ChatRequest = z.output<typeof chatRequest>
export type ChatMessage = z.output<typeof message>
