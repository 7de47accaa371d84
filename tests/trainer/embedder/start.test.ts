import { describe, expect, test } from 'vitest'
import * as fc from 'fast-check'
import { openSentenceTokenizer } from '../../../runtime/sentence-tokenizer.ts'
import { dot, meanOf, principalAxes, projected } from '../../../trainer/embedder/principal-axes.ts'
import { smallerTokenizer } from '../../../trainer/embedder/smaller-vocabulary.ts'
import { Random } from '../../../trainer/random.ts'

/** A WordPiece tokenizer of four special tokens and these, in the order of their ids. */
function wordPiece(tokens: readonly string[]) {
  const all = ['[PAD]', '[unused0]', '[UNK]', '[CLS]', '[SEP]', '[MASK]', ...tokens]
  return {
    tokenizer: {
      version: '1.0',
      added_tokens: [],
      normalizer: { type: 'BertNormalizer', clean_text: true, handle_chinese_chars: true, lowercase: true },
      pre_tokenizer: { type: 'BertPreTokenizer' },
      decoder: { type: 'WordPiece', prefix: '##', cleanup: true },
      model: {
        type: 'WordPiece',
        unk_token: '[UNK]',
        continuing_subword_prefix: '##',
        max_input_chars_per_word: 100,
        vocab: Object.fromEntries(all.map((token, id) => [token, id])),
      },
    },
    config: { unk_token: '[UNK]', pad_token: '[PAD]', mask_token: '[MASK]' },
  }
}

describe('a vocabulary with fewer tokens', () => {
  const letters = ['c', 'a', 't', '##a', '##t', '##s']
  const { files, tokens } = smallerTokenizer(wordPiece([...letters, 'cat', 'dog', '##ats']), 11)

  test('keeps the commonest words and every letter, padding first, and spells what it has not', () => {
    expect(tokens).toEqual(['[PAD]', '[UNK]', '[CLS]', '[SEP]', ...letters, 'cat'])
    const { encode } = openSentenceTokenizer(files, 16)
    expect(encode('Cat cats').ids.map((id) => tokens[id])).toEqual(['cat', 'cat', '##s'])
    expect(encode('dog').ids.map((id) => tokens[id])).toEqual(['[UNK]'])
  })

  test('keeps what is needed before what is common', () => {
    const needed = smallerTokenizer(wordPiece([...letters, 'cat', 'dog', '##ats']), 11, {
      isNeeded: (token) => token === 'dog',
    })
    expect(needed.tokens).toEqual(['[PAD]', '[UNK]', '[CLS]', '[SEP]', ...letters, 'dog'])
  })

  test('adds nothing to one text, and a separator between two', () => {
    const { added, encodePair } = openSentenceTokenizer(files, 16)
    expect(added).toBe(0)
    const { ids, types } = encodePair('cat', 'cat')
    expect([ids.map((id) => tokens[id]), types]).toEqual([
      ['cat', '[SEP]', 'cat'],
      [0, 0, 1],
    ])
  })

  test('of another kind is refused', () => {
    const other = { tokenizer: { model: { type: 'BPE', vocab: {} } }, config: {} }
    expect(() => smallerTokenizer(other, 10)).toThrow('tokenizer.json: expected a WordPiece model, got BPE')
  })
})

describe('principal axes', () => {
  test('are orthonormal, and the first is the direction of most variance', () => {
    fc.assert(
      fc.property(fc.nat(1000), (seed) => {
        const random = new Random(seed)
        const stretch = [9, 4, 1, 0.3]
        const rows = Array.from({ length: 400 }, () => Float32Array.from(stretch, (by) => 5 + by * random.normal()))
        const mean = meanOf(rows)
        const axes = principalAxes(rows, mean, 3)
        for (const [i, a] of axes.entries())
          for (const [j, b] of axes.entries()) expect(dot(a, b)).toBeCloseTo(Number(i === j), 6)
        expect(Math.abs(axes[0]![0]!)).toBeGreaterThan(0.97)
        const spread = [0, 1, 2].map((axis) =>
          rows.reduce((sum, row) => sum + projected(row, mean, axes)[axis]! ** 2, 0),
        )
        expect(spread).toEqual(spread.toSorted((a, b) => b - a))
      }),
      { numRuns: 20 },
    )
  })
})
