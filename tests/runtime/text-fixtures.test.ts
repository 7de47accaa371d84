import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { openText, TextError, type Json, type Message, type Tool } from '../../runtime/text.ts'
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
  tools: Tool[] | null
  variables: Record<string, Json>
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
    '[TOOL_CALLS]',
    '<think>',
    '</think>',
    '<tool_call>',
    '</tool_call>',
  ]
  const cases = existsSync(fixtures) ? lines<ChatCase>('chat/cases.jsonl') : []
  test.each([...new Set(cases.map(({ template }) => template))])(
    '%s renders as the reference does, and gives the tokens of that',
    (template) => {
      const chat_template = readFileSync(join(fixtures, 'chat', template), 'utf8')
      for (const one of cases.filter((chat) => chat.template === template)) {
        const { title, messages, add_generation_prompt: generate, bos_token, eos_token, rendered, error } = one
        const codec = openText(byteTokenizer(special, { bos_token, eos_token, chat_template }))
        const options = { continued: false, generate, variables: one.variables, ...(one.tools && { tools: one.tools }) }
        if (rendered === undefined) {
          expect(() => codec.render(messages, options), title).toThrow(TextError)
          expect(() => codec.chat(messages, options), title).toThrow(error)
          continue
        }
        expect(codec.render(messages, options), title).toBe(rendered)
        const user = JSON.stringify([messages, one.tools, one.variables])
        const written = special.some((token) => user.includes(JSON.stringify(token).slice(1, -1)))
        // Special tokens that a user wrote are the one difference: the reference takes them for its own.
        if (written) expect(codec.chat(messages, options), title).not.toEqual(codec.encodeWithSpecial(rendered))
        else expect(codec.chat(messages, options), title).toEqual(codec.encodeWithSpecial(rendered))
      }
    },
  )
})
