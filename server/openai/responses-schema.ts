/** The body of POST /v1/responses and of a WebSocket's response.create. */
import { z } from 'zod'
import { done, fail, list, loose, needed, noEffect, refused, strict } from './field.ts'
import {
  drafts,
  hints,
  metadata,
  otherSampling,
  outputTokens,
  reasoning,
  responseMneme,
  sampling,
  topLogprobs,
} from './fields.ts'
import { responseTools } from './tools-schema.ts'

const JSON_SCHEMA = { io: 'input', unrepresentable: 'any' } as const

/** A part of a message; what a client got as output it may send back as input. */
const part = z.discriminatedUnion('type', [
  z.looseObject({ type: z.literal('input_text'), text: z.string() }),
  z.looseObject({ type: z.literal('output_text'), text: z.string() }),
  z.looseObject({ type: z.literal('text'), text: z.string() }),
  z.looseObject({ type: z.literal('refusal'), refusal: z.string() }),
])

export const messageItemFields = {
  type: done(z.literal('message'), '`message`, or absent.'),
  id: done(z.string().max(128), 'Kept as the id of the input item.'),
  role: needed(z.enum(['user', 'assistant', 'system', 'developer']), '`system`, `developer`, `user`, `assistant`.'),
  content: done(
    z.union([z.string(), z.array(part)]),
    'A string, or parts of type `input_text`, `output_text`, `text`. Of an assistant null, absent, or parts of type ' +
      '`refusal` read as empty.',
  ),
  '(others)': noEffect('`status`, `phase` and so on; in parts `annotations`, `logprobs` and so on.'),
}

export const otherItemFields = {
  reasoning: done(
    z.unknown(),
    "What the model thought, in `content` or `summary`. The model's template says whether it is read again; of " +
      '`encrypted_content` nothing is read.',
  ),
  function_call: done(z.unknown(), 'A function that the model called: `call_id`, `name`, `arguments`.'),
  function_call_output: done(z.unknown(), 'What it returned: `call_id`, and `output`, a string or parts of text.'),
  file_search_call: noEffect('Of an earlier response; what was found then is not read again.'),
  'mneme:verification': noEffect('Of an earlier response.'),
  item_reference: done(
    z.string(),
    'Reads the message of a stored response by its id. Nothing is read twice: with `previous_response_id` it may name ' +
      "that response's own message.",
  ),
  '(others)': refused('`computer_call`, `custom_tool_call`, files, images and so on.'),
}

const { '(others)': _, ...messageShape } = messageItemFields
const messageItem = loose(messageShape).refine(({ role, content }) => role === 'assistant' || content != null, {
  message: 'expected a string or a list of parts; only an assistant message may have none',
  path: ['content'],
})
const reasoningText = z.array(z.looseObject({ text: z.string().nullish() })).nullish()
const reasoningItem = z.looseObject({
  type: z.literal('reasoning'),
  id: z.string().max(128).nullish(),
  content: reasoningText,
  summary: reasoningText,
})
const callItem = z.looseObject({
  type: z.literal('function_call'),
  id: z.string().max(128).nullish(),
  call_id: z.string().max(256),
  name: z.string().max(256),
  arguments: z.string(),
})
const outputItem = z.looseObject({
  type: z.literal('function_call_output'),
  id: z.string().max(128).nullish(),
  call_id: z.string().max(256),
  output: z.union([z.string(), z.array(part)]),
})
const ownItem = z.looseObject({
  type: z.enum(['file_search_call', 'mneme:verification']),
  id: z.string().max(128).nullish(),
})
const reference = z.looseObject({ type: z.literal('item_reference').nullish(), id: z.string().min(1).max(128) })

export type MessageItem = z.output<typeof messageItem>
export type InputItem =
  | MessageItem
  | z.output<typeof reasoningItem>
  | z.output<typeof callItem>
  | z.output<typeof outputItem>
  | z.output<typeof ownItem>
  | z.output<typeof reference>

const unknownItem = z.looseObject({
  type: z.unknown().refine(() => false, {
    message:
      'items of this type are not supported here; messages, function calls and their outputs, item references and reasoning are',
    params: { code: 'unsupported_parameter' },
  }),
})

/** Chosen by its type, so that an error is about the kind of item that was meant. */
export const inputItem = z
  .unknown()
  .transform((value, context): InputItem => {
    const result = schemaOf(value).safeParse(value)
    if (result.success) return result.data
    return fail(context, { ...(result.error.issues[0] as z.core.$ZodIssue), input: value } as z.core.$ZodRawIssue)
  })
  .meta({
    anyOf: [messageItem, reasoningItem, callItem, outputItem, ownItem, reference].map((schema) =>
      z.toJSONSchema(schema, JSON_SCHEMA),
    ),
  })

function schemaOf(value: unknown): z.ZodType<InputItem> {
  const { type, role, id } = (value ?? {}) as Record<string, unknown>
  if (type === 'reasoning') return reasoningItem
  if (type === 'function_call') return callItem
  if (type === 'function_call_output') return outputItem
  if (type === 'file_search_call' || type === 'mneme:verification') return ownItem
  if (type === 'item_reference' || (type == null && role == null && id != null)) return reference
  return type == null || type === 'message' ? messageItem : (unknownItem as unknown as z.ZodType<InputItem>)
}

const INCLUDABLE = [
  'mneme.verification',
  'mneme.gates',
  'message.output_text.logprobs',
  'reasoning.encrypted_content',
  'message.input_image.image_url',
  'file_search_call.results',
  'web_search_call.results',
  'web_search_call.action.sources',
  'code_interpreter_call.outputs',
  'computer_call_output.output.image_url',
] as const

const textOptions = loose({
  format: refused('', { type: 'text' }),
  verbosity: refused('', 'medium'),
})

export const responseFields = {
  model: done(z.string().max(256), 'Name of a served model. Default: that of the previous response, else the first.'),
  input: done(z.union([z.string(), list(inputItem)]), 'A string, or items; see below.'),
  instructions: done(z.string(), 'Read once, as a system message before the input; kept by the memory.'),
  previous_response_id: done(z.string().max(128), 'Continue from this response; an older one is forked.'),
  store: done(z.boolean(), 'false: nothing is kept. Default: true.'),
  max_output_tokens: done(outputTokens(1), 'Tokens of the reply at most. Default: the bundle, else 1,024.'),
  ...sampling,
  top_logprobs: done(topLogprobs, '0 to 20 alternatives; above 0 gives log-probabilities.'),
  include: done(
    z.array(z.enum(INCLUDABLE)),
    '`message.output_text.logprobs` gives log-probabilities, `mneme.verification` the verdicts of the critic as an item and in ' +
      'the metadata, `mneme.gates` what was decided for the turn as the event `mneme:gates`, `file_search_call.results` what a search has found, in files and in memories; the other values are of ' +
      'items that do not occur here.',
  ),
  metadata: done(metadata, 'Up to 16 pairs, kept with the response.'),
  truncation: done(
    z.enum(['auto', 'disabled']),
    '`auto`: of a conversation that has become too long, whole oldest turns are left out, and the rest is read again. ' +
      '`disabled`, the default: it is refused.',
  ),
  mneme: responseMneme,
  ...drafts,
  ...hints,
  ...reasoning,
  text: done(textOptions, '`format: {"type": "text"}`, `verbosity: "medium"`; other values are refused.'),
  ...responseTools,
  max_tool_calls: noEffect('Of built-in tools, which are not run here.'),
  conversation: done(
    z.union([z.string().min(1).max(128), z.looseObject({ id: z.string().min(1).max(128) })]),
    'Go on in this conversation, by its id or as `{"id": ...}`: from its last response, with the items that were added to it. ' +
      'Not with `previous_response_id`, and not with `store: false`. While another turn is being made in it: 409.',
  ),
  context_management: refused('', []),
  moderation: refused(''),
  prompt: refused('Prompt templates are not kept here.'),
  background: refused('', false),
  stream_options: done(
    loose({ include_obfuscation: refused('', false) }),
    '`include_obfuscation: false`; true is refused.',
  ),
  ...otherSampling,
}

/** Fields of a response that a client may send back with a request made from it. */
export const echoedFields = {
  id: noEffect('Of the response sent back.'),
  object: noEffect('Of the response sent back.'),
  created_at: noEffect('Of the response sent back.'),
  completed_at: noEffect('Of the response sent back.'),
  status: noEffect('Of the response sent back.'),
  error: noEffect('Of the response sent back.'),
  incomplete_details: noEffect('Of the response sent back.'),
  output: noEffect('Of the response sent back; give it as `input`, or name it by previous_response_id.'),
  usage: noEffect('Of the response sent back.'),
}

export const httpFields = {
  ...responseFields,
  stream: done(z.boolean(), 'Server-sent events.'),
  ...echoedFields,
}

export const socketFields = {
  type: needed(z.literal('response.create'), '`response.create`.'),
  ...responseFields,
  generate: done(z.boolean(), 'false: only read the input.'),
  stream: noEffect('A WebSocket always streams.'),
  event_id: noEffect('A label.'),
  stream_id: refused('One response at a time on a connection.'),
  ...echoedFields,
}

/** Over HTTP. */
export const responseRequest = strict(httpFields)

/** Over a WebSocket: always streaming; `generate: false` only reads the input. */
export const responseCreate = strict(socketFields)

/** Both, once the transport's own fields have been dealt with. */
export type ResponseRequest = Pick<z.output<typeof responseRequest>, keyof typeof responseFields> & {
  readonly generate?: boolean | null | undefined
}
