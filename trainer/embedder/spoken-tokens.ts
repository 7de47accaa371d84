/** Which tokens of a published encoder people use: many are rare in the encyclopedia that orders its tokens. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { SentenceTokenizer } from '../../runtime/sentence-tokenizer.ts'
import type { TokenizerFiles } from '../../runtime/tokenizer-files.ts'
import { tellings } from '../data/sentences/tellings.ts'

const EVERYDAY_WORDS = join(import.meta.dirname, 'everyday-words.txt')

/** What people told and asked, each once. */
export const spokenTexts = (): string[] => [...new Set(tellings('train').flatMap(({ texts }) => texts))]

/** The tokens of people's own words and of everyday ones. */
export async function spokenTokens(
  { encode }: Pick<SentenceTokenizer, 'encode'>,
  { tokenizer }: TokenizerFiles,
): Promise<ReadonlySet<string>> {
  const { vocab } = (tokenizer as { readonly model: { vocab: Record<string, number> } }).model
  const tokens = new Map(Object.entries(vocab).map(([token, id]) => [id, token]))
  const everyday = await readFile(EVERYDAY_WORDS, 'utf8')
  const texts = [...spokenTexts(), ...everyday.split(/\s+/u).filter((word) => word !== '')]
  return new Set(texts.flatMap((text) => Array.from(encode(text).ids, (id) => tokens.get(id)!)))
}
