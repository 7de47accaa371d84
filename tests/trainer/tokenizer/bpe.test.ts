import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as fc from 'fast-check'
import native from 'tokenizers'
import { describe, expect, onTestFinished, test } from 'vitest'
import { openText } from '../../../runtime/text.ts'
import { learnMerges, type Merge } from '../../../trainer/tokenizer/bpe.ts'
import { byteLevelDecoder, byteLevelPreTokenizer, chatTokens } from '../../../trainer/tokenizer/format.ts'
import { trainBpe } from '../../../trainer/tokenizer/train.ts'

const shared = join(import.meta.dirname, '../../../../shared/data/war-and-peace.txt')

/** The merges of Hugging Face's trainer, which always aims at 30,000 tokens. */
function nativeMerges(text: string): Merge[] {
  const folder = mkdtempSync(join(tmpdir(), 'mneme-native-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const [input, output] = [join(folder, 'text.txt'), join(folder, 'tokenizer.json')]
  writeFileSync(input, text)
  const model = {
    type: 'BPE',
    dropout: null,
    unk_token: null,
    continuing_subword_prefix: null,
    end_of_word_suffix: null,
    fuse_unk: false,
    byte_fallback: false,
    ignore_merges: false,
    vocab: {},
    merges: [],
  }
  const empty = {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: [],
    normalizer: null,
    pre_tokenizer: byteLevelPreTokenizer,
    post_processor: null,
    decoder: byteLevelDecoder,
    model,
  }
  const tokenizer = native.Tokenizer.fromString(JSON.stringify(empty))
  tokenizer.train([input])
  tokenizer.save(output)
  const saved = JSON.parse(readFileSync(output, 'utf8')) as { model: { merges: (string | [string, string])[] } }
  return saved.model.merges.map((pair) => (typeof pair === 'string' ? (pair.split(' ') as [string, string]) : pair))
}

/** Prose whose words and their frequencies are of every sort. */
const prose = Array.from({ length: 4000 }, (_, i) => {
  const word = ['walk', 'naïve', 'zwölf', 'x', '日本語', "don't", 'K7-QX3', '1024'][(i * i) % 8]!
  return `${word}${['s', 'ing', '', 'ed', 'er'][(i * 7) % 5]}${i % 11 === 0 ? '.\n' : ''}`
}).join(' ')

describe('the merges', () => {
  test.each([
    ['of generated prose', prose],
    // A real text where it is at hand; without it the generated one stands for both
    ['of a novel', existsSync(shared) ? readFileSync(shared, 'utf8') : prose.repeat(3)],
  ])('%s are those of the native trainer', async (_, text) => {
    const theirs = nativeMerges(text)
    const { tokenizer } = await trainBpe({ texts: [text], vocab: 256 + theirs.length, special: [] })
    expect(tokenizer.model.merges.length).toBe(theirs.length)
    expect(tokenizer.model.merges.findIndex((pair, i) => pair.join(' ') !== theirs[i]!.join(' '))).toBe(-1)
  })

  test('are those of counting all pairs anew for each merge', async () => {
    const word = fc.string({ unit: fc.constantFrom('a', 'b', 'c'), minLength: 1, maxLength: 12 })
    await fc.assert(
      fc.asyncProperty(fc.dictionary(word, fc.integer({ min: 1, max: 9 }), { minKeys: 1 }), async (counts) => {
        const words = new Map(Object.entries(counts))
        const symbols = ['a', 'b', 'c']
        expect(await learnMerges(words, { symbols, room: 12 })).toEqual(slowMerges(words, symbols, 12))
      }),
    )
  })

  test('reach beyond 30,000 tokens, as many as were asked for', async () => {
    let seed = 1
    const letter = (): string => String.fromCharCode(97 + ((seed = (seed * 48271) % 2147483647) % 26))
    const words = Array.from({ length: 60_000 }, () => Array.from({ length: 7 }, letter).join(''))
    const codec = openText(await trainBpe({ texts: [words.join(' ')], vocab: 50_257, special: chatTokens }))
    expect(codec.vocabSize).toBe(50_257)
    const some = words.slice(0, 500).join(' ')
    expect(codec.decode(codec.encode(some))).toBe(some)
  })

  test('of 300 KB without white space are learned, with reports on the way', async () => {
    const reports: [number, number][] = []
    let seed = 1
    const random = Array.from({ length: 300_000 }, () => 'ACGT'[(seed = (seed * 48271) % 2147483647) % 4]).join('')
    for (const text of ['abcdefghij'.repeat(30_000), random]) {
      const progress = (learned: number, room: number): void => void reports.push([learned, room])
      const { tokenizer } = await trainBpe({ texts: [text], vocab: 4096, special: [], progress })
      expect(tokenizer.model.merges.length).toBeGreaterThan(10)
    }
    expect(reports.length).toBeGreaterThan(5)
    expect(reports.at(-1)![1]).toBe(4096 - 256)
  })
})

/** The definition: the most frequent pair, of equals the one whose tokens are older, is merged everywhere. */
function slowMerges(words: ReadonlyMap<string, number>, symbols: readonly string[], room: number): Merge[] {
  const tokens = [...symbols]
  let parts = [...words].map(([word, count]) => ({ list: Array.from(word), count }))
  const merges: Merge[] = []
  while (tokens.length < symbols.length + room) {
    const counts = new Map<string, number>()
    for (const { list, count } of parts)
      for (let i = 0; i + 1 < list.length; i++)
        counts.set(`${list[i]} ${list[i + 1]}`, (counts.get(`${list[i]} ${list[i + 1]}`) ?? 0) + count)
    const age = (pair: string): number[] => pair.split(' ').map((token) => tokens.indexOf(token))
    const [best] = [...counts].toSorted(([a, n], [b, m]) => m - n || age(a)[0]! - age(b)[0]! || age(a)[1]! - age(b)[1]!)
    if (!best) break
    const [left, right] = best[0].split(' ') as [string, string]
    merges.push([left, right])
    if (!tokens.includes(left + right)) tokens.push(left + right)
    parts = parts.map(({ list, count }) => ({ list: mergedList(list, left, right), count }))
  }
  return merges
}

function mergedList(list: readonly string[], left: string, right: string): string[] {
  const out: string[] = []
  for (let i = 0; i < list.length; i++) {
    if (list[i] === left && list[i + 1] === right) {
      out.push(left + right)
      i++
    } else out.push(list[i]!)
  }
  return out
}
