import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { createPostProcessor } from '../../runtime/post-processor.ts'
import { openSentenceTokenizer } from '../../runtime/sentence-tokenizer.ts'
import { openText } from '../../runtime/text.ts'

const fixtures = join(import.meta.dirname, '../../../shared/fixtures/tokenizers')
const read = (name: string): { post_processor?: unknown } =>
  JSON.parse(readFileSync(join(fixtures, name, 'tokenizer.json'), 'utf8')) as { post_processor?: unknown }
const casesOf = (name: string): { text: string; ids_with_special: number[] }[] =>
  readFileSync(join(fixtures, name, 'cases.jsonl'), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { text: string; ids_with_special: number[] })

describe.skipIf(!existsSync(fixtures))('fixtures', () => {
  test.each(['bpe-bytelevel', 'bpe-split', 'bpe-metaspace', 'unigram', 'unigram-precompiled', 'wordpiece'])(
    'the post-processor of %s adds the tokens that the reference adds',
    (name) => {
      const tokenizer = read(name)
      const codec = openText({ tokenizer, config: {} })
      const { wrap, added } = createPostProcessor(tokenizer.post_processor)
      for (const { text, ids_with_special: wanted } of casesOf(name)) {
        const ids = codec.encodeWithSpecial(text)
        expect(wrap(ids), JSON.stringify(text)).toEqual({ ids: wanted, types: wanted.map(() => 0) })
        expect(wanted.length - ids.length).toBe(added)
      }
    },
  )

  test('a long text loses its end and keeps the tokens around it; a special token that is written in it is text', () => {
    const tokenizer = read('wordpiece')
    const { encode, added } = openSentenceTokenizer({ tokenizer, config: {} }, 8)
    expect(added).toBe(2)
    const [short, long] = [encode('a b c'), encode('a b c d e f g h i j')]
    expect(short.truncated).toBe(false)
    expect(long.truncated).toBe(true)
    expect(long.ids).toHaveLength(8)
    expect(long.types).toHaveLength(8)
    expect([long.ids[0], long.ids[7]]).toEqual([short.ids[0], short.ids.at(-1)])
    expect(long.ids.slice(0, 4)).toEqual(short.ids.slice(0, 4))
    const [cls, sep] = [short.ids[0]!, short.ids.at(-1)!]
    const written = openSentenceTokenizer({ tokenizer, config: {} }, 64).encode('[SEP] [CLS]').ids.slice(1, -1)
    expect(written.filter((id) => id === cls || id === sep)).toEqual([])
  })

  test('a text that has no room beside its special tokens is refused', () => {
    expect(() => openSentenceTokenizer({ tokenizer: read('wordpiece'), config: {} }, 2)).toThrow(
      'tokenizer: adds 2 tokens to a text, of which the model reads at most 2',
    )
  })
})

test('BERT and RoBERTa processing put one token before a text and one behind', () => {
  for (const type of ['BertProcessing', 'RobertaProcessing']) {
    const { wrap, added } = createPostProcessor({ type, cls: ['[CLS]', 7], sep: ['[SEP]', 9] })
    expect(added).toBe(2)
    expect(wrap([1, 2])).toEqual({ ids: [7, 1, 2, 9], types: [0, 0, 0, 0] })
  }
})

test('a template may give its tokens types of their own', () => {
  const single = [{ Sequence: { id: 'A', type_id: 0 } }, { SpecialToken: { id: '<cls>', type_id: 2 } }]
  const special_tokens = { '<cls>': { id: '<cls>', ids: [3], tokens: ['<cls>'] } }
  const processor = createPostProcessor({ type: 'TemplateProcessing', single, special_tokens })
  expect(processor.wrap([5, 6])).toEqual({ ids: [5, 6, 3], types: [0, 0, 2] })
})

test.each<[what: string, processor: unknown, message: string]>([
  ['an unknown kind', { type: 'Magic' }, 'post_processor: expected TemplateProcessing, .*got "Magic"'],
  [
    'two that add tokens',
    {
      type: 'Sequence',
      processors: [1, 2].map((id) => ({ type: 'BertProcessing', cls: ['a', id], sep: ['b', id] })),
    },
    'expected one that adds tokens, got 2',
  ],
  [
    'a token that is not described',
    { type: 'TemplateProcessing', single: [{ SpecialToken: { id: '[X]', type_id: 0 } }], special_tokens: {} },
    'expected \\[X\\] among special_tokens, got none',
  ],
  [
    'a template without the text',
    { type: 'TemplateProcessing', single: [], special_tokens: {} },
    'expected the text once',
  ],
  ['a broken template', { type: 'TemplateProcessing', single: 3 }, 'post_processor\\.single'],
])('a post-processor with %s is refused', (_, processor, message) => {
  expect(() => createPostProcessor(processor)).toThrow(new RegExp(message))
})
