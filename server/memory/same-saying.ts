/** Whether two sentences of a user say the same, so that one can stand for both. */
import { topicKey } from './facts/supersede.ts'
import type { Memory } from '../store/memory-calls.ts'
import { wordsOf } from './words.ts'

/** A memory as it is compared. */
export interface Saying {
  readonly seq: number
  readonly text: string
  readonly fact: Memory['fact']
  readonly made: { readonly embedder: string; readonly vector: Float32Array } | null
}

/** Cosine of two sentences from which on they can be one entry (architectures.md of HMST: its consolidator). */
const LEAST_SIMILARITY = 0.8

/** Words without which a sentence says the same. */
const FILLERS: ReadonlySet<string> = new Set(
  `a an the i i'm im me my am is are was be been it its it's this that and so very really just also still too quite pretty
  actually btw well oh yes ok okay please always definitely much lot lots of do does did have has had 've 's to for`.split(
    /\s+/,
  ),
)
const NEGATIONS = /^(?:not?|never|none|nothing|nobody|without|hardly|\p{L}+n't|dont|cant|wont|isnt|doesnt|didnt)$/u

/**
 * 0: they do not say the same. Else how similar they are: the cosine of their vectors, or 1 where one of them has none of that
 * embedder and they have the same words. Sentences with other numbers, with a negation in one alone, or that both have
 * something which the other has not, never say the same, however similar their vectors are.
 */
export function likeness(a: Saying, b: Saying): number {
  if (!isSameFact(a.fact, b.fact)) return 0
  const [of, and] = [contentOf(a.text), contentOf(b.text)]
  if (!isEqual(numbersIn(of), numbersIn(and)) || !isEqual(negationsIn(of), negationsIn(and))) return 0
  if (!isWithin(of, and) && !isWithin(and, of)) return 0
  if (!a.made || a.made.embedder !== b.made?.embedder) return isEqual(of, and) ? 1 : 0
  const cosine = cosineOf(a.made.vector, b.made.vector)
  return cosine >= LEAST_SIMILARITY ? cosine : 0
}

/** Which of a group stands for it: the one that is most like the others; of equal ones the one with more words, then the first. */
export function medoidOf(group: readonly Saying[]): Saying {
  const scored = group.map((one) => ({
    one,
    score: group.reduce((sum, other) => sum + (other === one ? 0 : likeness(one, other)), 0),
    words: contentOf(one.text).size,
  }))
  return scored.toSorted((a, b) => b.score - a.score || b.words - a.words || a.one.seq - b.one.seq)[0]!.one
}

function isSameFact(a: Memory['fact'], b: Memory['fact']): boolean {
  if (!a || !b) return a === b
  return topicKey(a) === topicKey(b) && a.value.toLowerCase() === b.value.toLowerCase()
}

/** The words of a sentence that matter. */
export function contentOf(text: string): ReadonlySet<string> {
  return new Set(wordsOf(text).filter((word) => !FILLERS.has(word)))
}

const numbersIn = (words: ReadonlySet<string>): ReadonlySet<string> =>
  new Set([...words].filter((word) => /\d/u.test(word)))
const negationsIn = (words: ReadonlySet<string>): ReadonlySet<string> =>
  new Set([...words].filter((word) => NEGATIONS.test(word)))
const isWithin = (a: ReadonlySet<string>, b: ReadonlySet<string>): boolean => [...a].every((word) => b.has(word))
const isEqual = (a: ReadonlySet<string>, b: ReadonlySet<string>): boolean => a.size === b.size && isWithin(a, b)

function cosineOf(a: Float32Array, b: Float32Array): number {
  let [product, ofA, ofB] = [0, 0, 0]
  for (let i = 0; i < a.length; i++) {
    product += a[i]! * b[i]!
    ofA += a[i]! * a[i]!
    ofB += b[i]! * b[i]!
  }
  return ofA === 0 || ofB === 0 ? 0 : product / Math.sqrt(ofA * ofB)
}
