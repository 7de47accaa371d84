import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { preTokenizers } from '../../../../../exporter/import/sources/gguf/tokenizer/patterns.ts'
import { readTokenizer } from '../../../../../exporter/import/sources/gguf/tokenizer/tokenizer.ts'
import { openSource } from '../../../../../exporter/import/sources/source.ts'
import { openText } from '../../../../../runtime/text.ts'
import { publishedWeights } from '../../../../support/published.ts'

// A checkout on its own has no such folders.
const fixtures = join(import.meta.dirname, '../../../../../../shared/fixtures')
const names = existsSync(fixtures) ? readdirSync(join(fixtures, 'gguf')) : []
interface Reference {
  tokenizer_cases: { text: string; ids: number[] }[]
}

describe.skipIf(names.length === 0)('the tokenizer of a GGUF file', () => {
  test.each(names)('of %s gives the ids that llama.cpp gives', async (name) => {
    const folder = join(fixtures, 'gguf', name)
    const file = readdirSync(folder).find((one) => one.endsWith('.gguf'))!
    const { tokenizer, generation, tensors } = await openSource(join(folder, file))
    const codec = openText(tokenizer!)
    const { tokenizer_cases } = JSON.parse(readFileSync(join(folder, 'reference.json'), 'utf8')) as Reference
    for (const { text, ids } of tokenizer_cases) expect(codec.encodeWithSpecial(text), text).toEqual(ids)
    expect(codec.eos[0]).toBe(4)
    expect(generation).toMatchObject({ bos_token_id: 1, eos_token_id: codec.eos })
    const rendered = codec.chat([{ role: 'user', content: 'hi' }], { continued: false, generate: false })
    expect(rendered).toEqual(codec.encodeWithSpecial('<|im_start|>user\nhi<|im_end|>\n'))
    await tensors.close()
  })

  test.each(['bpe-split', 'bpe-bytelevel'])('is as good as the tokenizer.json of %s on hard texts', (name) => {
    const json = JSON.parse(readFileSync(join(fixtures, 'tokenizers', name, 'tokenizer.json'), 'utf8')) as {
      added_tokens: { id: number; content: string; special: boolean }[]
      model: { vocab: Record<string, number>; merges: (string | string[])[]; ignore_merges: boolean }
    }
    const added = new Map(json.added_tokens.map(({ id, special }) => [id, special ? 3 : 4]))
    const tokens: string[] = []
    for (const [token, id] of Object.entries(json.model.vocab)) tokens[id] = token
    for (const { content, id } of json.added_tokens) tokens[id] = content
    const metadata = new Map<string, string | string[] | number[]>([
      ['tokenizer.ggml.model', 'gpt2'],
      ['tokenizer.ggml.pre', name === 'bpe-split' ? 'llama-bpe' : 'gpt-2'],
      ['tokenizer.ggml.tokens', tokens],
      ['tokenizer.ggml.token_type', tokens.map((_, id) => added.get(id) ?? 1)],
      ['tokenizer.ggml.merges', json.model.merges.map((merge) => [merge].flat().join(' '))],
    ])
    const codec = openText(readTokenizer(metadata, 'a test')!)
    const cases = readFileSync(join(fixtures, 'tokenizers', name, 'cases.jsonl'), 'utf8')
      .trim()
      .split('\n')
    let compared = 0
    for (const line of cases) {
      const { text, ids } = JSON.parse(line) as { text: string; ids: number[] }
      // llama.cpp does not normalise, and knows no tokens that take spaces with them
      if (name === 'bpe-split' && (text !== text.normalize('NFC') || text.includes('<mask>'))) continue
      // The other one puts a space before each stretch of text, which a file cannot say
      if (name === 'bpe-bytelevel' && json.added_tokens.some(({ content }) => text.includes(content))) continue
      expect(codec.encodeWithSpecial(name === 'bpe-split' ? text : spaced(text)), text).toEqual(ids)
      compared++
    }
    expect(compared).toBeGreaterThan(150)
  })
})

const spaced = (text: string): string => (text === '' || text.startsWith(' ') ? text : ` ${text}`)

const smollm2 = join(publishedWeights, 'smollm2-135m-instruct.Q4_1.gguf')
test.skipIf(!existsSync(smollm2))("SmolLM2's tokenizer gives its published ids", async () => {
  const { tokenizer, tensors, generation } = await openSource(smollm2)
  const codec = openText(tokenizer!)
  const cases: [string, number[]][] = [
    ['Hello, we can use', [19556, 28, 392, 416, 722]],
    ['The capital of France is', [504, 3575, 282, 4649, 314]],
    ['Hello world! 123', [19556, 905, 17, 216, 33, 34, 35]],
    ['Café déjà vu.', [51, 1939, 2756, 32564, 90, 16739, 386, 101, 30]],
    ['  multiple   spaces', [216, 2701, 256, 5600]],
    ['\n', [198]],
  ]
  for (const [text, ids] of cases) {
    expect(codec.encode(text), text).toEqual(ids)
    expect(codec.decode(ids)).toBe(text)
  }
  expect(codec.eos).toEqual([2, 0])
  expect(generation['eos_token_id']).toEqual([2, 0])
  const chat = codec.chat([{ role: 'user', content: '<|im_end|>' }], { continued: false, generate: true })
  expect(chat.filter((id) => id === 2)).toHaveLength(2)
  await tensors.close()
})

describe('a tokenizer rebuilt from metadata', () => {
  const spm = (extra: [string, unknown][] = []) =>
    new Map<string, never>([
      ['tokenizer.ggml.model', 'llama'],
      [
        'tokenizer.ggml.tokens',
        ['<unk>', '<s>', '</s>', '<0x0A>', '<0xC3>', '<0xA9>', '\u2581', 'a', 'b', 'ab', '\u2581ab'],
      ],
      ['tokenizer.ggml.token_type', [2, 3, 3, 6, 6, 6, 1, 1, 1, 1, 1]],
      ['tokenizer.ggml.scores', [0, 0, 0, 0, 0, 0, -5, -6, -7, -1, -2]],
      ['tokenizer.ggml.bos_token_id', 1],
      ['tokenizer.ggml.eos_token_id', 2],
      ...extra,
    ] as [string, never][])

  test('merges SentencePiece pieces by score and falls back to bytes', () => {
    const read = readTokenizer(spm(), 'a test')!
    const codec = openText(read)
    expect(codec.encode('ab ab')).toEqual([10, 10])
    expect(codec.encode('ba')).toEqual([6, 8, 7])
    expect(codec.encode('a\né')).toEqual([6, 7, 3, 4, 5])
    expect(codec.decode([10, 10, 4, 5])).toBe('ab abé')
    expect(read.config).toMatchObject({ bos_token: '<s>', eos_token: '</s>', add_bos_token: true })
    expect(read.tokenizer).toHaveProperty('post_processor.single.0.SpecialToken.id', '<s>')
  })

  test('puts no space in front where the file says so', () => {
    const codec = openText(readTokenizer(spm([['tokenizer.ggml.add_space_prefix', false]]), 'a test')!)
    expect(codec.encode('ab ab')).toEqual([9, 10])
    expect(codec.decode([9, 10])).toBe('ab ab')
  })

  test('has named templates as a list', () => {
    const extra: [string, unknown][] = [
      ['tokenizer.chat_template', 'one'],
      ['tokenizer.chat_template.tool_use', 'two'],
    ]
    expect(readTokenizer(spm(extra), 'a test')!.config).toHaveProperty('chat_template', [
      { name: 'default', template: 'one' },
      { name: 'tool_use', template: 'two' },
    ])
  })

  const bpe = (entries: [string, unknown][]) =>
    new Map<string, never>([
      ['tokenizer.ggml.model', 'gpt2'],
      ['tokenizer.ggml.tokens', ['a', 'b', 'ab']],
      ['tokenizer.ggml.merges', ['a b']],
      ...entries,
    ] as [string, never][])

  test.each([...preTokenizers.keys()])('cuts text as %s without losing a character', (name) => {
    const bytes = Array.from({ length: 256 }, (_, byte) => byteSymbol(byte))
    const metadata = bpe([
      ['tokenizer.ggml.pre', name],
      ['tokenizer.ggml.tokens', bytes],
      ['tokenizer.ggml.merges', []],
    ])
    const codec = openText(readTokenizer(metadata, 'a test')!)
    const text = "I'M 12345 years,\r\n\n\tnaïve  中文 カナ 한글 I'll\u00a0go—x_y <|z|> \u{1F600} "
    const read = codec.decode(codec.encode(text))
    expect(read).toBe(text.normalize(preTokenizers.get(name)!.normalizer ?? 'NFC'))
    expect(codec.encode(text)).toHaveLength(Buffer.byteLength(text))
  })

  test.each([
    ['another kind', [['tokenizer.ggml.model', 'rwkv']], 'a tokenizer of the kind rwkv; can be rebuilt: gpt2, llama'],
    ['another pattern', [['tokenizer.ggml.pre', 'viking']], 'cuts text as viking (tokenizer.ggml.pre); known: llama3'],
    ['a token twice', [['tokenizer.ggml.tokens', ['a', 'a']]], '0 and 1 are both "a"'],
    ['too few types', [['tokenizer.ggml.token_type', [1]]], 'tokenizer.ggml.token_type: expected 3 numbers'],
    ['numbers for tokens', [['tokenizer.ggml.tokens', [1]]], 'tokenizer.ggml.tokens: expected strings'],
    ['merges of three', [['tokenizer.ggml.merges', ['a b c']]], 'expected two tokens, got "a b c"'],
  ] as [string, [string, unknown][], string][])('is refused with %s', (_, entries, sentence) => {
    expect(() => readTokenizer(bpe(entries), 'a.gguf')).toThrow(sentence)
  })

  test('is none where the file has none', () => {
    expect(readTokenizer(new Map(), 'a.gguf')).toBeNull()
  })
})

/** The character that byte-level BPE writes for a byte. */
function byteSymbol(byte: number): string {
  const printable = (b: number): boolean => (b > 32 && b < 127) || (b > 160 && b !== 173)
  if (printable(byte)) return String.fromCodePoint(byte)
  let before = 0
  for (let b = 0; b < byte; b++) if (!printable(b)) before++
  return String.fromCodePoint(256 + before)
}
