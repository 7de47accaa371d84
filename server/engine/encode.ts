/** Prompts to token ids, with the limits that hold before and after; and what else a tokenizer's thread is asked. */
import { endOfReasoning } from '../../runtime/reply/reply-format.ts'
import { TextError, type TextCodec } from '../../runtime/text.ts'
import type { ErrorCode, Prompt } from './messages.ts'

/** Tokens of one prompt at most: what one request may make the engine compute. */
export const MAX_PROMPT_TOKENS = 131_072

export type Encoded =
  /** `inReasoning`: the prompt ends within reasoning that it has begun. */
  | { readonly ids: readonly number[]; readonly text: string; readonly inReasoning: boolean }
  | { readonly code: ErrorCode; readonly message: string }

/** What a tokenizer's thread is asked. */
export type TextQuestion =
  | { readonly kind: 'open' }
  | { readonly kind: 'encode'; readonly prompt: Prompt; readonly continued: boolean; readonly pending: number }
  | { readonly kind: 'reencode'; readonly prompt: readonly number[]; readonly reply: readonly number[] }

export type TextAnswer =
  | { readonly kind: 'opened'; readonly messageEnds: readonly number[] }
  | { readonly kind: 'encoded'; readonly encoded: Encoded }
  | { readonly kind: 'reencoded'; readonly ids: readonly number[] | null }

export function answerQuestion(codec: TextCodec, question: TextQuestion): TextAnswer {
  if (question.kind === 'open') return { kind: 'opened', messageEnds: codec.messageEnds() }
  if (question.kind === 'reencode') return { kind: 'reencoded', ids: codec.reencode(question.prompt, question.reply) }
  const { prompt, continued, pending } = question
  return { kind: 'encoded', encoded: encodePrompt(codec, prompt, continued, pending) }
}

/**
 * The token ids of a prompt, and its text where it is one of text or ids. `continued`: the prompt follows a
 * conversation. `pending`: tokens that will be fed before it.
 */
export function encodePrompt(codec: TextCodec, prompt: Prompt, continued: boolean, pending: number): Encoded {
  const long = surelyTooLong(codec, prompt)
  if (long) return long
  let found: { ids: readonly number[]; inReasoning: boolean }
  try {
    found = idsOf(codec, prompt, continued)
  } catch (error) {
    // A chat template may refuse the messages (say, two system messages): that is the request's fault.
    const code = error instanceof TextError ? 'prompt_refused' : 'engine_failed'
    return { code, message: error instanceof Error ? error.message : String(error) }
  }
  const { ids, inReasoning } = found
  if (pending + ids.length === 0)
    return { code: 'prompt_empty', message: 'The prompt is empty: it needs at least one token.' }
  if (ids.length > MAX_PROMPT_TOKENS) return tooLong(`has ${ids.length} tokens`)
  const wrong = ids.find((id) => id < 0 || id >= codec.vocabSize)
  if (wrong !== undefined) {
    const message = `Token ${wrong} does not exist: the vocabulary has ${codec.vocabSize}.`
    return { code: 'prompt_token_invalid', message }
  }
  const text = prompt.kind === 'ids' ? codec.decode(ids) : prompt.kind === 'text' ? prompt.text : ''
  return { ids, text, inReasoning }
}

function idsOf(codec: TextCodec, prompt: Prompt, continued: boolean): { ids: readonly number[]; inReasoning: boolean } {
  if (prompt.kind === 'ids') return { ids: prompt.ids, inReasoning: false }
  if (prompt.kind === 'text') return { ids: codec.encode(prompt.text), inReasoning: false }
  if (prompt.kind === 'reply') return { ids: codec.encodeReply(prompt.text), inReasoning: false }
  const { generate, tools, variables, opening, reply: given = [] } = prompt
  const reply = typeof given === 'string' ? codec.encodeReply(given) : given
  const ids = codec.chat(prompt.messages, {
    continued,
    generate,
    ...(tools && { tools }),
    ...(variables && { variables }),
  })
  const inReasoning = generate && codec.endsInReasoning(ids)
  if (opening === undefined) return { ids: [...ids, ...reply], inReasoning }
  // A reply that has to begin with a call begins after the reasoning.
  const close = inReasoning ? codec.encodeReply(endOfReasoning(codec.format)) : []
  return { ids: [...ids, ...close, ...codec.encodeReply(opening), ...reply], inReasoning: false }
}

/** A text that is too long even if every token were the longest one is not worth reading. */
function surelyTooLong(codec: TextCodec, prompt: Prompt): Encoded | null {
  if (prompt.kind === 'ids')
    return prompt.ids.length > MAX_PROMPT_TOKENS ? tooLong(`has ${prompt.ids.length} tokens`) : null
  const length = lengthOf(prompt)
  const least = Math.ceil(length / codec.longestToken)
  return least > MAX_PROMPT_TOKENS ? tooLong(`has at least ${least} tokens`) : null
}

/** UTF-16 units of the texts that the ids of a prompt are made from, at least. */
export function lengthOf(prompt: Prompt): number {
  if (prompt.kind === 'ids') return prompt.ids.length
  if (prompt.kind !== 'chat') return prompt.text.length
  return prompt.messages.reduce((sum, { content }) => sum + content.length, 0)
}

function tooLong(what: string): Encoded {
  const message = `The prompt ${what}; at most ${MAX_PROMPT_TOKENS} are taken in one request.`
  return { code: 'prompt_too_long', message }
}
