import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { openText, type TokenizerFiles } from '../../runtime/text.ts'
import { byteTokenizer } from '../support/byte-tokenizer.ts'

const bytewise = openText(byteTokenizer())
const END = 259

// Every text with whole characters: emoji with joiners, CJK, combining marks, and what else there is.
const text = fc
  .array(
    fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.constantFrom('👩‍👩‍👧‍👦', '中文', 'नमस्ते', 'e\u0301', '\u{FEFF}', '\u{FFFD}', '🇨🇭'),
    ),
  )
  .map((all) => all.join(''))

test('text comes out as soon as a character is whole', () => {
  const decoder = bytewise.detokenizer()
  const ids = [...Buffer.from('aé😀')]
  expect(ids.map((id) => decoder.push(id))).toEqual(['a', '', 'é', '', '', '', '😀'])
  expect(decoder.flush()).toBe('')
})

test('the pieces are the whole, byte by byte', () => {
  fc.assert(
    fc.property(text, (written) => {
      const decoder = bytewise.detokenizer()
      const ids = bytewise.encode(written)
      expect(ids.map((id) => decoder.push(id)).join('') + decoder.flush()).toBe(written)
      expect(bytewise.decode(ids)).toBe(written)
      expect(Buffer.from(ids.flatMap((id) => bytewise.bytes(id))).toString()).toBe(written)
    }),
  )
})

test('an incomplete character gives nothing, a wrong byte gives U+FFFD', () => {
  expect(bytewise.decode([0x61, 0xf0, 0x9f, 0x98])).toBe('a')
  expect(bytewise.decode([0x61, 0xff, 0x62])).toBe('a\u{FFFD}b')
  expect(bytewise.decode([0xf0, 0x9f, 0x61])).toBe('\u{FFFD}a')
})

test('after flush a new text begins', () => {
  const decoder = bytewise.detokenizer()
  expect([decoder.push(0xf0), decoder.flush(), decoder.push(0x61)]).toEqual(['', '', 'a'])
})

test('special tokens and ids of no token are skipped, even within a character', () => {
  expect(bytewise.decode([0xc3, END, 9_999, 0xa9])).toBe('é')
})

test('tokens of several bytes that split characters come out whole', () => {
  const { tokenizer, config } = byteTokenizer()
  const model = (tokenizer as { model: { vocab: Record<string, number> } }).model
  const alphabet = Object.keys(model.vocab)
  const character = (byte: number) => alphabet[byte] ?? ''
  // The last two bytes of an emoji with the first of the next.
  const vocab = { ...model.vocab, [[0x98, 0x80, 0xf0].map(character).join('')]: 300 }
  const codec = openText({ tokenizer: { ...tokenizer, model: { ...model, vocab } }, config })
  const decoder = codec.detokenizer()
  expect([0xf0, 0x9f, 300, 0x9f, 0x98, 0x81].map((id) => decoder.push(id))).toEqual(['', '', '😀', '', '', '😁'])
})

test('added tokens that are not special are written as they are', () => {
  const { tokenizer, config } = byteTokenizer(['<think>'])
  const added = (tokenizer as { added_tokens: { content: string; special: boolean }[] }).added_tokens
  for (const token of added) if (token.content === '<think>') token.special = false
  const codec = openText({ tokenizer, config })
  expect(codec.encode('a<think>')).toEqual([0x61, 260])
  expect(codec.decode([0x61, 260, 0x62])).toBe('a<think>b')
})

test('the bytes of tokens alone are those of the text, with spaces and parts of characters; special tokens have none', () => {
  for (const files of [characterTokenizer('abc é中😀'), fallbackTokenizer(), byteTokenizer()]) {
    const codec = openText(files)
    const ids = codec.encode('a b😀')
    expect(
      Buffer.from(ids.flatMap((id) => codec.bytes(id)))
        .toString()
        .trimStart(),
    ).toBe('a b😀')
  }
  expect([bytewise.bytes(END), bytewise.bytes(9_999), bytewise.bytes(0xc3)]).toEqual([[], [], [0xc3]])
})

test('a tokenizer of characters gives each at once', () => {
  const codec = openText(characterTokenizer('abc é中😀'))
  const decoder = codec.detokenizer()
  const ids = codec.encode('a 中😀é')
  expect(ids.map((id) => decoder.push(id))).toEqual(['a', ' ', '中', '😀', 'é'])
  expect(codec.decode(ids)).toBe('a 中😀é')
})

test('a tokenizer that falls back to bytes waits for the whole character, and ends at a boundary', () => {
  const codec = openText(fallbackTokenizer())
  const decoder = codec.detokenizer()
  const ids = codec.encode('a b😀')
  expect(ids.map((id) => decoder.push(id)).join('|')).toBe('a| |b||||😀')
  expect(decoder.flush()).toBe('')
  expect(codec.decode(ids)).toBe('a b😀')
  expect(codec.decode(ids.slice(0, -1))).toBe('a b')
})

test('the work for a token does not grow with the text before it', () => {
  const ids = bytewise.encode('lorem ipsum 中文 😀 '.repeat(20_000))
  const decoder = bytewise.detokenizer()
  const timed = (some: number[]) => {
    const start = performance.now()
    for (const id of some) decoder.push(id)
    return performance.now() - start
  }
  const half = ids.length / 2
  const first = timed(ids.slice(0, half))
  expect(timed(ids.slice(half))).toBeLessThan(5 * first)
})

function characterTokenizer(characters: string): TokenizerFiles {
  const vocab = Object.fromEntries(Array.from(characters, (character, id) => [character, id]))
  const model = { type: 'BPE', vocab, merges: [], unk_token: null }
  return { tokenizer: { added_tokens: [], pre_tokenizer: null, decoder: { type: 'Fuse' }, model }, config: {} }
}

function fallbackTokenizer(): TokenizerFiles {
  const tokens = [...Array.from({ length: 256 }, (_, byte) => hex(byte)), '▁', 'a', 'b']
  const vocab = Object.fromEntries(tokens.map((token, id) => [token, id]))
  const space = { type: 'Replace', pattern: { String: ' ' }, content: '▁' }
  const decoders = [
    { type: 'Replace', pattern: { String: '▁' }, content: ' ' },
    { type: 'ByteFallback' },
    { type: 'Fuse' },
  ]
  const model = { type: 'BPE', vocab, merges: [], unk_token: null, byte_fallback: true }
  return {
    tokenizer: { added_tokens: [], normalizer: space, decoder: { type: 'Sequence', decoders }, model },
    config: {},
  }
}

function hex(byte: number): string {
  return `<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`
}
