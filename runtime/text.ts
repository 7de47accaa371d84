/** Text and ids: the tokenizer and the chat template of a bundle. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ChatOptions, Message } from './chat-message.ts'
import { createChatTemplate, sourceOf } from './chat-template.ts'
import { bytesOfToken, createDetokenizer, type Detokenizer } from './detokenizer.ts'
import { TextError } from './errors.ts'
import { messageEnds } from './message-ends.ts'
import { splitMarked } from './reply/mark.ts'
import { endsInReasoning, findReplyFormat, type ReplyFormat } from './reply/reply-format.ts'
import { parseTokenizer, tokenText, type TokenizerFiles } from './tokenizer-files.ts'
import { reencode } from './reencode.ts'
import { createVocabulary } from './vocabulary.ts'

export { TextError } from './errors.ts'
export type { ChatOptions, Json, Message, Tool, ToolCall } from './chat-message.ts'
export type { Detokenizer } from './detokenizer.ts'
export type { TokenizerFiles } from './tokenizer-files.ts'

export interface TextCodec {
  /** One more than the highest id. */
  readonly vocabSize: number
  /** UTF-16 units of text that one token stands for, at most. */
  readonly longestToken: number
  /** Ids that end a reply. */
  readonly eos: readonly number[]
  /** Returns the ids of plain text: special tokens written in it are text like any other. */
  encode(text: string): number[]
  /** Returns the ids of text in which special tokens are recognised. Never for what a user wrote. */
  encodeWithSpecial(text: string): number[]
  /** Returns the text of ids, special tokens skipped, without the bytes of an incomplete last character. */
  decode(ids: readonly number[]): string
  /** Returns the ids of messages in the model's chat format. Throws TextError if the template refuses them. */
  chat(messages: readonly Message[], options: ChatOptions): number[]
  /** Returns the ids that end a message in the model's chat format; none where its template has no such tokens. */
  messageEnds(): number[]
  /**
   * Returns the ids that `prompt` and the text of `reply` have when they are encoded as one text: what a client that
   * sends both again makes of them. Null where their text does not tell which ids they are.
   */
  reencode(prompt: readonly number[], reply: readonly number[]): number[] | null
  /** Returns the text of messages in the model's chat format, as the template writes it. Throws TextError. */
  render(messages: readonly Message[], options: ChatOptions): string
  /** What replies are made of besides text. */
  readonly format: ReplyFormat
  /** Returns the ids of the beginning of a reply, in which tokens of the format are marked. */
  encodeReply(text: string): number[]
  /** Whether the ids of a prompt end within reasoning that the prompt has begun. */
  endsInReasoning(ids: readonly number[]): boolean
  /** Returns the UTF-8 of one token: of a character that several tokens make, its share. Special tokens have none. */
  bytes(id: number): number[]
  /** Returns a decoder for ids that come one at a time; its pieces joined are decode() of the whole. */
  detokenizer(): Detokenizer
}

/** Returns the codec of a folder's tokenizer.json and tokenizer_config.json, or of their contents. Throws TextError. */
export function openText(source: string | TokenizerFiles): TextCodec {
  const files = typeof source === 'string' ? readFiles(source) : source
  const { tokenizer, config } = parseTokenizer(files)
  const vocabulary = createVocabulary(tokenizer, config)
  const eos = [config.eos_token ?? []].flat().map((token) => {
    const id = vocabulary.idOf(tokenText(token))
    if (id === undefined)
      throw new TextError(`tokenizer_config.json: expected eos_token in the vocabulary, got ${tokenText(token)}`)
    return id
  })
  const template = createChatTemplate(config, vocabulary, eos)
  const added = (token: string): number | undefined => {
    const id = vocabulary.idOf(token)
    return id !== undefined && vocabulary.isAdded(id) ? id : undefined
  }
  const format = findReplyFormat(sourceOf(config, 'tool_use') ?? sourceOf(config, 'default') ?? null, added)
  const detokenizer = () => createDetokenizer(vocabulary)
  const decode = (ids: readonly number[]): string => {
    const decoder = detokenizer()
    return ids.map((id) => decoder.push(id)).join('') + decoder.flush()
  }
  return {
    vocabSize: vocabulary.size,
    longestToken: vocabulary.longestToken,
    eos,
    encode: (text) => vocabulary.encode(text),
    encodeWithSpecial: (text) => vocabulary.encodeWithSpecial(text),
    decode,
    messageEnds: () =>
      messageEnds((messages) => template.encode(messages, { continued: false, generate: false }), vocabulary),
    reencode: (prompt, reply) => reencode(vocabulary, decode, prompt, reply),
    bytes: (id) => bytesOfToken(vocabulary, id),
    chat: (messages, options) => template.encode(messages, options),
    render: (messages, options) => template.render(messages, options),
    detokenizer,
    format,
    encodeReply: (text) =>
      splitMarked(text).flatMap((piece, at) => {
        if (at % 2 === 1) return format.tokens.filter((token) => token.text === piece).map(({ id }) => id)
        return vocabulary.encodeSegments([{ text: piece, trusted: false }], true)
      }),
    endsInReasoning: (ids) => endsInReasoning(format, ids, (tail) => vocabulary.decode(tail)),
  }
}

function readFiles(folder: string): TokenizerFiles {
  const read = (file: string): object => {
    try {
      return JSON.parse(readFileSync(join(folder, file), 'utf8')) as object
    } catch (error) {
      throw new TextError(`${join(folder, file)}: expected a JSON file, got ${String(error)}`, { cause: error })
    }
  }
  return { tokenizer: read('tokenizer.json'), config: read('tokenizer_config.json') }
}
