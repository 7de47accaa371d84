/** Turns of other conversations that a reply reads: what their user asked and wanted then, and told if it still holds. */
import { NOTHING_FOUND, type SearchFeatures } from '../../runtime/controller-features.ts'
import type { Deps } from '../deps.ts'
import type { MemoryUse, Search } from '../memory/evidence.ts'
import { contentWords, leastOf, overlapOf } from '../memory/relevance.ts'
import { sortedSentences } from '../memory/facts/sorted-sentences.ts'
import { stem } from '../memory/search-words.ts'
import { wordsOf } from '../memory/words.ts'
import { searchEpisodes, type FoundEpisode } from './episodes.ts'

/** A turn, and what of it is read. */
export interface PastTurn extends FoundEpisode {
  readonly sentences: readonly string[]
  /** The share of the message's words, without the commonest, that it has. */
  readonly overlap: number
}

export interface PastTurns {
  /** Those that thresholds let through, and the best whatever their features; best first. */
  readonly above: readonly PastTurn[]
  readonly offered: readonly PastTurn[]
  readonly features: SearchFeatures
}

export const NO_TURNS: PastTurns = { above: [], offered: [], features: NOTHING_FOUND }

const CANDIDATES = 8
/** Turns that a reply reads at most, and characters of them together. */
const MAX_TURNS = 3
const MAX_CHARACTERS = 1000
/** A turn that has hardly a word that the message lacks says nothing new: the same question, asked before. */
const LEAST_NEW = 1 / 3

/** `conversation`: the one of the turn, whose own turns the model has read; null: a new one. */
export async function findPastTurns(
  deps: Deps,
  { owner, use, message, made }: Search,
  conversation: string | null,
  signal: AbortSignal,
): Promise<PastTurns> {
  const asked = { namespace: use.namespace, user: use.user ?? '', text: message, limit: CANDIDATES, made }
  const found = await searchEpisodes(deps, owner, asked)
  signal.throwIfAborted()
  const words = contentWords(message)
  const others = found.filter((turn) => turn.conversation !== conversation)
  const read = await Promise.all(
    others.map(async (turn) => ({ ...turn, sentences: await readable(deps, owner, use, turn.text) })),
  )
  const turns = read
    .map((turn): PastTurn => {
      const text = turn.sentences.join(' ')
      return { ...turn, text, overlap: overlapOf(words, text) }
    })
    .filter(({ text }) => saysMore(text, message))
  const [best, second] = turns
  if (!best) return NO_TURNS
  const least = leastOf(deps, 'episodic')
  const above = turns.filter(
    ({ overlap, similarity }) => overlap >= least.overlap || (similarity ?? 0) >= least.similarity,
  )
  const features: SearchFeatures = {
    candidates: turns.length,
    score: best.score,
    second: second?.score ?? 0,
    overlap: best.overlap,
    similarity: best.similarity,
    topic: null,
    age: deps.now() - best.created,
    conflict: false,
    above: above.length > 0,
  }
  return { above: withinBudget(above), offered: withinBudget(turns), features }
}

/** At most so many facts on the topics of one turn are looked up. */
const MAX_FACTS = 200

/**
 * The sentences of a turn that may be read, in their order. What it told is read while a memory says that it holds: one that was
 * corrected, withdrawn or deleted does not come back by the turn that told it.
 */
async function readable({ store }: Deps, owner: string, use: MemoryUse, said: string): Promise<string[]> {
  const { namespace, user } = use
  const { facts, statements, asides } = sortedSentences(said)
  const texts = statements.map(({ text }) => text)
  const held = texts.length === 0 ? [] : await store.keptTexts(owner, { namespace, user, ended: false, texts })
  const topics = { namespace, user, topics: facts, ended: false, limit: MAX_FACTS }
  const known = facts.length === 0 ? [] : await store.factsOf(owner, topics)
  const holding = new Set([...held, ...known.map(({ text }) => text)])
  const told = [...facts.map(({ sentence }) => sentence), ...statements].filter(({ text }) => holding.has(text))
  const all = [...told, ...asides].toSorted((a, b) => a.start - b.start)
  return [...new Set(all.map(({ text }) => text))]
}

function saysMore(text: string, message: string): boolean {
  const own = [...contentWords(text)]
  const has = new Set(wordsOf(message))
  return own.length > 0 && own.filter((word) => !has.has(word)).length / own.length >= LEAST_NEW
}

/** Whether a reply says something that its message does not, all of it in the words of these turns: then it rests on them. */
export function restsOnTurns(reply: string, message: string, turns: readonly PastTurn[]): boolean {
  const [asked, said] = [message, turns.map(({ text }) => text).join(' ')].map(
    (text) => new Set(wordsOf(text).map(stem)),
  )
  const own = [...contentWords(reply)].map(stem).filter((word) => !asked!.has(word))
  return own.length > 0 && own.every((word) => said!.has(word))
}

function withinBudget(turns: readonly PastTurn[]): PastTurn[] {
  let characters = 0
  return turns.slice(0, MAX_TURNS).filter(({ text }) => (characters += text.length) <= MAX_CHARACTERS)
}
