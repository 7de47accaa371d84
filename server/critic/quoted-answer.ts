/** What the policy `quote` serves for a question of users about what they told. */
import { toldText } from '../../runtime/reader.ts'
import type { Deps } from '../deps.ts'
import type { Evidence, MemoryUse, Replaced } from '../memory/evidence.ts'
import { topicKey } from '../memory/facts/supersede.ts'
import { toldAround } from '../memory/neighbours.ts'
import type { ReadPairs } from '../memory/reader.ts'
import { comparing } from '../memory/similarity.ts'
import type { Memory } from '../store/memory-calls.ts'
import { allTold } from './all-told.ts'
import type { Remembered } from './candidates.ts'
import type { CheckedTurn, Known } from './known.ts'
import { withLater } from './later.ts'
import { asksNothingTold } from './only-told.ts'
import type { Decision } from './policy.ts'
import { recalled, recollect, type Recollection } from './recalled.ts'
import type { SentenceVerdict } from './verdict.ts'

type AnswerDeps = Pick<Deps, 'store' | 'embedders' | 'log'>

export interface QuotedAnswer {
  /** Null: nothing that was told is served in the reply's place. */
  readonly decision: Decision | null
  /** Null: nothing is asked that the user could have told. */
  readonly recollection: Recollection | null
}

export async function quotedAnswer(
  deps: AnswerDeps,
  owner: string,
  use: MemoryUse,
  turn: CheckedTurn,
  known: Known,
  verdicts: readonly SentenceVerdict[],
): Promise<QuotedAnswer> {
  const { question, reply, evidence, isWhole, knowsOnlyTold } = turn
  const remembers = await rememberedFor(deps.store, owner, use, evidence, known)
  const read = recollect(question, remembers, knowsOnlyTold)
  const ended = read?.isNear
    ? await readBoth(evidence.read, question, await replacedSentences(deps.store, owner, use, question, known.memories))
    : []
  const all = { ...remembers, replaced: [...evidence.replaced, ...ended] }
  const found = ended.length > 0 ? recollect(question, all, knowsOnlyTold) : read
  const recollection = knowsOnlyTold && (found === null || found.isNear) && asksNothingTold(question) ? null : found
  const everything = allTold(question, known.facts, !isWhole)
  if (everything || !recollection) return { decision: everything, recollection }
  const surroundings = {
    around: toldAround(deps.store, owner, use),
    compare: comparing(deps, owner),
    read: evidence.read,
  }
  const later = await withLater(question, recollection, surroundings)
  const decision = recalled(question, later, reply, verdicts, all, { mayMiss: !isWhole, knowsOnlyTold })
  return { decision, recollection }
}

/** What this conversation says and memory found too is weighed as found: a reader has read it. */
async function rememberedFor(
  store: Deps['store'],
  owner: string,
  { namespace, user }: MemoryUse,
  { asked, contexts, reads, found, said, replaced }: Evidence,
  { facts, said: statements }: Known,
): Promise<Remembered> {
  const texts = statements.map(({ text }) => text)
  const over = texts.length === 0 ? [] : await store.keptTexts(owner, { namespace, user, ended: true, texts })
  const weighed = new Set([...over, ...said.map(({ memory }) => memory.text)])
  const heard = statements.filter(({ text }) => !weighed.has(text))
  return { asked, found: [...found, ...said], contexts, reads, facts, heard, replaced }
}

/** Sentences without a fact that are about what is asked and were corrected since, with what corrected them. */
async function replacedSentences(
  store: Deps['store'],
  owner: string,
  { namespace, user }: Pick<MemoryUse, 'namespace' | 'user'>,
  question: string,
  memories: readonly Memory[],
): Promise<Replaced[]> {
  const whose = { namespace, user: user ?? '', topics: [], ended: true, metadata: {}, made: null }
  const hits = await store.searchMemories(owner, { ...whose, text: question, limit: MOST_REPLACED })
  return hits.flatMap(({ memory: { id, text, fact, ended } }): Replaced[] => {
    const by = ended === null || fact !== null ? undefined : memories.find(({ created }) => created === ended)
    return by ? [{ id, text, by: heldSince(by, memories) }] : []
  })
}

/** The first of them, as a reader reads them and what took their place: which of both answers. */
async function readBoth(read: ReadPairs, question: string, replaced: readonly Replaced[]): Promise<Replaced[]> {
  const pairsOf = ({ text, by }: Replaced): readonly string[] => [text, toldText(by.text, text)]
  const some = replaced.slice(0, MOST_READ)
  const odds = await read(some.flatMap(pairsOf).map((second) => ({ first: question, second })))
  return replaced.map((one) => {
    const [was, is] = pairsOf(one).map((second) => odds(question, second)?.answers)
    return was === undefined || is === undefined ? one : { ...one, reads: { was, is } }
  })
}

/** A correction, or what has corrected it in turn. */
function heldSince(memory: Memory, memories: readonly Memory[]): Memory {
  const { fact, ended } = memory
  if (ended === null || fact === null) return memory
  const next = memories.find(
    (one) => one.created === ended && one.fact !== null && topicKey(one.fact) === topicKey(fact),
  )
  return next && next.id !== memory.id ? heldSince(next, memories) : memory
}

const MOST_REPLACED = 16
/** Of these, so many are read. */
const MOST_READ = 4
