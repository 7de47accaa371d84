/** Whether a memory is about what a message is about. */
import type { Deps } from '../deps.ts'
import type { MemoryHit } from '../store/memory-calls.ts'
import { wordsOf } from './words.ts'

/** An entry is read from these values on: of how surely it answers a question, else of any of its features; an embedder may say another cosine. */
const LEAST: Readonly<Record<'answer' | 'topic' | 'overlap' | 'similarity', number>> = {
  answer: 0.4,
  topic: 0.5,
  overlap: 0.5,
  similarity: 0.5,
}
/** Of a fact about something else than what is asked, the share of words that it has: "my boss's name" for "my boss's age". */
const LEAST_OF_OTHERS = 0.75

/** Words that say nothing of what a message is about. */
const COMMON: ReadonlySet<string> = new Set(
  `a about again all am an and any are as at be been but by can could did do does else for from get go got had has have hello
  hey hi how i if in is it its just know let like me mine more my no not now of ok okay on or our out please remember remind
  say should so some still tell than thank thanks that the their them then there these they this to too up us was we were what
  whats when where which who whom whose why will with would yes you your yours`.split(/\s+/),
)

/** From which values on something is read: those of the configuration, of the embedder, or these. */
export function leastOf(
  { gating, embedders }: Pick<Deps, 'gating' | 'embedders'>,
  gate: 'semantic' | 'episodic',
): typeof LEAST {
  // Those of a controller are probabilities.
  const least = gating.controller ? undefined : gating.thresholds[gate]
  const similarity = embedders[0]?.leastSimilarity ?? LEAST.similarity
  return least === undefined
    ? { ...LEAST, similarity }
    : { answer: least, topic: least, overlap: least, similarity: least }
}

/** Whether what a search has found is read. `overlap`: the share of the message's words that it has. */
export function isRelevant(
  { memory, topic, similarity }: MemoryHit,
  overlap: number,
  least: typeof LEAST & { readonly asksTopic: boolean },
): boolean {
  if ((topic ?? 0) >= least.topic) return true
  const isOther = least.asksTopic && memory.fact !== null
  if (overlap >= (isOther ? Math.max(LEAST_OF_OTHERS, least.overlap) : least.overlap)) return true
  return !isOther && (similarity ?? 0) >= least.similarity
}

/** The words of a text without the commonest. */
export function contentWords(text: string): ReadonlySet<string> {
  return new Set(wordsOf(text).filter((word) => !COMMON.has(word)))
}

/** The share of these words that a text has. */
export function overlapOf(words: ReadonlySet<string>, text: string): number {
  if (words.size === 0) return 0
  const has = new Set(wordsOf(text))
  return [...words].filter((word) => has.has(word)).length / words.size
}
