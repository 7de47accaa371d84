import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { openText, TextError, type Message } from '../../runtime/text.ts'
import { byteTokenizer } from '../support/byte-tokenizer.ts'

// What the Python libraries make of the same tokenizers and templates; a checkout on its own has no such folder.
const fixtures = join(import.meta.dirname, '../../../shared/fixtures')

interface TokenizerCase {
  text: string
  ids: number[]
  ids_with_special: number[]
  decoded_skip_special: string
}
interface ChatCase {
  template: string
  title: string
  messages: Message[]
  tools: unknown
  variables: object
  add_generation_prompt: boolean
  bos_token: string
  eos_token: string
  rendered?: string
  error?: string
}

function lines<T>(file: string): T[] {
  return readFileSync(join(fixtures, file), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as T)
}

describe.skipIf(!existsSync(fixtures))('fixtures', () => {
  test.each(['bpe-bytelevel', 'bpe-split', 'bpe-metaspace', 'unigram', 'unigram-precompiled', 'wordpiece'])(
    '%s encodes and decodes as the reference does',
    (name) => {
      const tokenizer = JSON.parse(readFileSync(join(fixtures, 'tokenizers', name, 'tokenizer.json'), 'utf8')) as object
      const special = (tokenizer as { added_tokens: { content: string; special: boolean }[] }).added_tokens
        .filter((token) => token.special)
        .map((token) => token.content)
      const codec = openText({ tokenizer, config: {} })
      for (const { text, ids, ids_with_special, decoded_skip_special } of lines<TokenizerCase>(
        `tokenizers/${name}/cases.jsonl`,
      )) {
        expect(codec.encodeWithSpecial(text), text).toEqual(ids)
        if (!special.some((token) => text.includes(token))) expect(codec.encode(text), text).toEqual(ids)
        // The tokenizer library's byte fallback drops a byte-order mark.
        if (name === 'bpe-metaspace' && text.includes('\u{FEFF}')) continue
        expect(codec.decode(ids_with_special), text).toBe(decoded_skip_special)
      }
    },
  )

  const special = [
    '<|im_start|>',
    '<|im_end|>',
    '<s>',
    '</s>',
    '<start_of_turn>',
    '<end_of_turn>',
    '<|start_header_id|>',
    '<|end_header_id|>',
    '<|eot_id|>',
    '[INST]',
    '[/INST]',
  ]
  const cases = (existsSync(fixtures) ? lines<ChatCase>('chat/cases.jsonl') : []).filter(
    ({ tools, variables, messages }) =>
      !tools &&
      Object.keys(variables).length === 0 &&
      messages.every(
        (message) =>
          typeof message.content === 'string' &&
          Object.keys(message).length === 2 &&
          ['system', 'user', 'assistant'].includes(message.role),
      ),
  )
  test.each([...new Set(cases.map(({ template }) => template))])(
    '%s gives the tokens of what the reference renders',
    (template) => {
      const chat_template = readFileSync(join(fixtures, 'chat', template), 'utf8')
      for (const {
        title,
        messages,
        add_generation_prompt: generate,
        bos_token,
        eos_token,
        rendered,
        error,
      } of cases.filter((one) => one.template === template)) {
        const codec = openText(byteTokenizer(special, { bos_token, eos_token, chat_template }))
        const chat = () => codec.chat(messages, { continued: false, generate })
        if (rendered === undefined) {
          expect(chat, title).toThrow(TextError)
          expect(chat, title).toThrow(error)
          continue
        }
        const written = messages.some(({ content }) => special.some((token) => content.includes(token)))
        // Special tokens that a user wrote are the one difference: the reference takes them for its own.
        if (written) expect(chat(), title).not.toEqual(codec.encodeWithSpecial(rendered))
        else expect(chat(), title).toEqual(codec.encodeWithSpecial(rendered))
      }
    },
  )
})
