/** In which place words, vectors and both together rank the entry that answers a question. */
import { best, mergeScores, scoreByWords, type Ranked } from '../../server/memory/rank.ts'
import { VectorBlock } from '../../server/memory/vector-block.ts'
import { VectorPages } from '../../server/memory/vector-pages.ts'
import { searchWords, stem } from '../../server/memory/search-words.ts'
import { wordsOf } from '../../server/memory/words.ts'
import type { RetrievalSet } from './retrieval-sets.ts'

/** Of each list, as the store has it. */
const DEPTH = 128

/** Texts in, vectors out. */
export type Embed = (texts: readonly string[]) => Promise<readonly Float32Array[]>

/** For each question, best first. */
type Lists = readonly (readonly Ranked[])[]

/** A place for each question, from 1; Infinity where the entry is not among the best. */
export type Places = readonly number[]

export function placesByWords(set: RetrievalSet): { places: Places; lists: readonly (readonly Ranked[])[] } {
  type Columns = { readonly [K in 'seqs' | 'counts' | 'lengths']: number[] }
  const nowhere = (): Columns => ({ seqs: [], counts: [], lengths: [] })
  const index = new Map<string, Columns>()
  let words = 0
  for (const [seq, text] of set.entries.entries()) {
    const all = wordsOf(text).map(stem)
    words += all.length
    for (const word of new Set(all)) {
      const { seqs, counts, lengths } = index.get(word) ?? nowhere()
      seqs.push(seq)
      counts.push(all.filter((one) => one === word).length)
      lengths.push(all.length)
      index.set(word, { seqs, counts, lengths })
    }
  }
  const lists = set.questions.map(({ text, without }) => {
    const found = [...new Set(searchWords(text).map(stem))].map((word) => index.get(word) ?? nowhere())
    const scores = scoreByWords(found, set.entries.length, words)
    return best(
      [...scores].filter(([seq]) => !without.has(seq)),
      DEPTH,
    )
  })
  return { places: placesIn(set, lists), lists }
}

export async function placesByVectors(
  set: RetrievalSet,
  embed: Embed,
): Promise<{ places: Places; lists: readonly (readonly Ranked[])[] }> {
  const vectors = await embed(set.entries)
  const block = new VectorBlock(vectors[0]!.length, new VectorPages())
  for (const [seq, vector] of vectors.entries()) block.set(seq, vector)
  const queries = await embed(set.questions.map(({ text }) => text))
  const lists = set.questions.map(({ without }, at) =>
    block.nearest(queries[at]!, DEPTH + without.size).filter(({ seq }) => !without.has(seq)),
  )
  return { places: placesIn(set, lists), lists }
}

/** `ofWords`: how much words count, where it is not as the server has it. */
export function placesMerged(set: RetrievalSet, words: Lists, meaning: Lists, ofWords?: number): Places {
  return placesIn(
    set,
    set.questions.map((_, at) => mergeScores({ words: words[at]!, meaning: meaning[at]! }, ofWords)),
  )
}

function placesIn({ questions }: RetrievalSet, lists: readonly (readonly Ranked[])[]): Places {
  return questions.map(({ answer }, at) => {
    const found = lists[at]!.findIndex(({ seq }) => seq === answer)
    return found < 0 ? Infinity : found + 1
  })
}
