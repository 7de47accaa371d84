import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { openText } from '../../../runtime/text.ts'
import { defaultFields, documentOf, tokensOf } from '../../../trainer/data/document.ts'
import { createShardWriter } from '../../../trainer/data/shards.ts'
import { textDataset, type TextOptions } from '../../../trainer/data/text.ts'
import { chatTokens } from '../../../trainer/tokenizer/format.ts'
import { byteTokenizer } from '../../../trainer/tokenizer/train.ts'
import { temporaryFolder } from '../../support/temporary.ts'

const files = byteTokenizer(chatTokens)
const bytes = openText(files)
const messages = [
  { role: 'system', content: 'Be brief.' },
  { role: 'user', content: 'One <|end|> two?' },
  { role: 'assistant', content: 'Two.' },
  { role: 'user', content: 'Three?' },
  { role: 'assistant', content: 'é<|assistant|>' },
]

function written(name: string, rows: readonly unknown[]): string {
  const path = join(temporaryFolder(), name)
  writeFileSync(path, rows.map((row) => (typeof row === 'string' ? row : JSON.stringify(row))).join('\n'))
  return path
}

const open = (path: string, more: Partial<TextOptions> = {}) =>
  textDataset({ paths: [path], codec: bytes, batch: 1, sequenceLength: 40, mode: 'instruct', ...more })

describe('learning replies', () => {
  test('gives weight to what the assistant says and to its end, whatever special tokens are written in it', () => {
    const { ids, weights } = tokensOf({ messages: messages as never }, 'instruct', bytes)
    const learned = Array.from(ids).filter((_, i) => weights![i] === 1)
    const end = bytes.eos[0]!
    expect(learned).toEqual([...bytes.encode('Two.'), end, ...bytes.encode('é<|assistant|>'), end])
    expect(Array.from(ids)).toEqual(bytes.chat(messages as never, { continued: false, generate: false }))
  })

  test('stops at the end token where the template writes more after it', () => {
    const template =
      '{% for m in messages %}<|{{m.role}}|>{{m.content}}<|end|>\n{% endfor %}{% if add_generation_prompt %}<|assistant|>{% endif %}'
    const lines = openText({ ...files, config: { ...files.config, chat_template: template } })
    const { ids, weights } = tokensOf({ messages: messages as never }, 'instruct', lines)
    const learned = Array.from(ids).filter((_, i) => weights![i] === 1)
    expect(lines.decode(learned)).toBe('Two.é<|assistant|>')
    expect(learned.at(-1)).toBe(lines.eos[0])
  })

  test('refuses a template that changes what came before', () => {
    const last = '{% for m in messages %}{% if loop.last %}<|{{m.role}}|>{% endif %}{{m.content}}<|end|>{% endfor %}'
    const codec = openText({ ...files, config: { ...files.config, chat_template: last } })
    expect(() => tokensOf({ messages: messages as never }, 'instruct', codec)).toThrow(
      'chat_template: expected one that only adds to what came before',
    )
  })

  test('begins each conversation with zero state at a piece of its own, also of prompts and completions', async () => {
    const path = written('a.jsonl', [
      { prompt: 'A', completion: 'B' },
      { prompt: [{ role: 'user', content: 'C' }], completion: [{ role: 'assistant', content: 'D' }] },
      { messages, text: 'not looked at' },
    ])
    const data = await open(path)
    const pieces = []
    for (let i = 0; i < 4; i++) pieces.push(await data.next())
    expect(pieces.map(({ carry }) => carry[0])).toEqual([0, 0, 0, 1])
    const learned = pieces.map(({ targets, weights }) => bytes.decode([...targets].filter((_, i) => weights[i] === 1)))
    expect(learned).toEqual(['B', 'D', 'Two.', 'é<|assistant|>'])
  })

  test('is refused where nobody speaks: text, shards, rows with text alone', async () => {
    const folder = join(temporaryFolder(), 'shards')
    const writer = await createShardWriter(folder, { vocab: bytes.vocabSize, tokenizer: '' })
    await writer.add([1, 2, 3], true)
    await writer.close()
    await expect(open(folder)).rejects.toThrow('token shards do not say who speaks')
    await expect(open(written('a.txt', ['text']))).rejects.toThrow('text does not say who speaks')
    await expect(open(written('b.jsonl', [{ text: 'alone' }]))).rejects.toThrow(
      'b.jsonl: line 1: expected "messages" (each with role and content), or "prompt" and "completion" to learn replies from, found text',
    )
  })
})

describe('learning everything', () => {
  test('gives every token of a conversation weight', async () => {
    const data = await open(written('a.jsonl', [{ prompt: 'A', completion: 'B' }]), {
      mode: 'pretrain',
      sequenceLength: 5,
    })
    expect([...(await data.next()).weights]).toEqual([1, 1, 1, 1, 1])
  })

  test('reads text from the field that is named', () => {
    const row = { body: 'this', text: 'not this', n: 3n }
    const reading = (text: string) => ({ mode: 'pretrain' as const, fields: { ...defaultFields, text } })
    expect(documentOf(row, reading('body'))).toEqual({ text: 'this' })
    expect(() => documentOf(row, reading('n'))).toThrow('n: expected a text, got "3"')
    expect(() => documentOf(row, reading('other'))).toThrow(
      'expected "other", "messages" (each with role and content), or "prompt" and "completion", found body, text, n',
    )
  })
})

test('an epoch ends when every row has read its part to the end', async () => {
  const texts = ['a'.repeat(8), 'b'.repeat(28), 'c'.repeat(8)].map((text) => ({ text }))
  const data = await textDataset({ paths: [written('a.jsonl', texts)], codec: bytes, batch: 2, sequenceLength: 9 })
  const epochs = []
  for (let i = 0; i < 8; i++) {
    epochs.push(data.epoch!())
    await data.next()
  }
  expect(epochs).toEqual([0, 0, 0, 0, 0, 1, 1, 1])
})
