/** A server over a model that gives prepared replies, with the vocabulary and template of a family. */
import { marked } from '../../runtime/reply/mark.ts'
import { openText, type TextCodec } from '../../runtime/text.ts'
import { byteTokenizer } from './byte-tokenizer.ts'
import { CHAT_TOKENS, HERMES_TEMPLATE } from './chat-templates.ts'
import type { TestOptions } from './test-server.ts'

/** Written in replies, a token is marked. */
const TOKEN = /<tool_call>|<\/tool_call>|<think>|<\/think>/g

export interface Script {
  readonly options: TestOptions
  readonly codec: TextCodec
  /** The prompts that were read, special tokens spelled out, up to where each reply began. */
  readonly prompts: string[]
}

/**
 * Each sequence of tokens that ends in the prompt for an assistant's reply gets the next of `replies`: the one whose
 * number is the number of the conversation's earlier replies. `opening` is what a request forces a reply to begin with.
 */
export function scripted(replies: readonly string[], opening = '', template = HERMES_TEMPLATE): Script {
  const codec = openText(byteTokenizer(CHAT_TOKENS, { chat_template: template, eos_token: '<|im_end|>' }))
  const tokens = ['<|user|>', '<|assistant|>', '<|system|>', '<|end|>', ...CHAT_TOKENS]
  const prompts: string[] = []
  const spell = (ids: readonly number[]): string =>
    Buffer.from(ids.flatMap((id) => (id < 256 ? [id] : [...Buffer.from(tokens[id - 256] ?? '')]))).toString()
  const begin = codec.encodeWithSpecial('<|im_start|>assistant\n')
  const end = codec.eos[0] as number
  const ids = replies.map((reply) => codec.encodeReply(reply.replaceAll(TOKEN, (token) => marked(token))))
  const next = (history: readonly number[]): number => {
    const starts = startsOf(history, begin)
    const forced = spell(history.slice(starts.at(-1))).startsWith(opening) ? Buffer.from(opening) : null
    const from = (starts.at(-1) ?? 0) + (forced ? codec.encodeReply(opening.replaceAll(TOKEN, marked)).length : 0)
    if (history.length === from) prompts.push(spell(history))
    return ids[starts.length - 1]?.[history.length - from] ?? end
  }
  return { codec, prompts, options: { codec, append: true, vocab: codec.vocabSize, next } }
}

/** Where the replies in a conversation begin. */
function startsOf(history: readonly number[], begin: readonly number[]): number[] {
  const starts: number[] = []
  for (let at = 0; at + begin.length <= history.length; at++)
    if (begin.every((id, i) => history[at + i] === id)) starts.push(at + begin.length)
  return starts
}
