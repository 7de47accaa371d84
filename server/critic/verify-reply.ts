/** The critic in a turn: the reply against what its user has told, before it is served or stored. */
import type { FittingReply } from '../../runtime/small-talk.ts'
import type { Deps } from '../deps.ts'
import { allFacts } from '../memory/all-facts.ts'
import type { Evidence, MemoryUse, Replaced } from '../memory/evidence.ts'
import { toldAround } from '../memory/neighbours.ts'
import { comparing } from '../memory/similarity.ts'
import { topicKey } from '../memory/facts/supersede.ts'
import type { TurnMemories } from '../memory/told.ts'
import type { Memory, MemoryHit } from '../store/memory-calls.ts'
import { allTold } from './all-told.ts'
import { checkReply } from './check-reply.ts'
import { encodeVerdicts } from './encoder/encode-verdicts.ts'
import { decide, type Decision } from './policy.ts'
import { heardIn } from './heard.ts'
import { asksNothingTold, ONLY_TOLD, onlyTold } from './only-told.ts'
import { promiseOf } from './promise.ts'
import { replyTo } from './small-talk.ts'
import { takenBack } from './taken-back.ts'
import { withLater } from './later.ts'
import { quoted, recalled, recollect } from './recalled.ts'
import type { VerifyMode } from './verify-mode.ts'
import type { KnownFact, Note, SentenceVerdict } from './verdict.ts'

export interface Verified {
  readonly policy: Exclude<VerifyMode, 'off'>
  readonly verdicts: readonly SentenceVerdict[]
  readonly decision: Decision
  /** The other reply that was made, where one was. */
  readonly retried?: Retried
}

/** Another reply: its verdicts, and whether it is what is served. */
export interface Retried {
  readonly verdicts: readonly SentenceVerdict[]
  readonly tokens: number
  readonly isServed: boolean
}

/** Makes another reply that reads these sentences of the user; null where none can be made. */
export type MakeAnother = (
  told: readonly string[],
) => Promise<{ readonly text: string; readonly tokens: number } | null>

/** Facts that a reply is checked against, told last. With more of them, what is not among them may have been told. */
const MAX_FACTS = 1000

type CriticDeps = Pick<Deps, 'store' | 'metrics' | 'critic' | 'smallTalk' | 'embedders' | 'log'>

/** A turn whose reply is complete. */
export interface CheckedTurn {
  readonly question: string
  readonly reply: string
  readonly evidence: Evidence
  /** What the turn itself tells; null where it is not remembered. */
  readonly told: TurnMemories | null
  /** What the user wrote in this conversation, as far as it is known. */
  readonly heard: readonly string[]
  /** Whether that is all of it: where it is not, nobody can say that something was never told. */
  readonly isWhole: boolean
  /** The model knows nothing but what its user told. */
  readonly knowsOnlyTold: boolean
}

/** The verdicts on a reply, and what is served. */
export async function verifyReply(
  { store, metrics, critic, smallTalk, embedders, log }: CriticDeps,
  owner: string,
  { namespace, user }: MemoryUse,
  { question, reply, evidence, told, heard, isWhole, knowsOnlyTold }: CheckedTurn,
  policy: Verified['policy'],
): Promise<Verified> {
  const began = performance.now()
  const kept = await allFacts(store, owner, { namespace, user, limit: MAX_FACTS })
  const gone = new Set(told?.ended.map(({ id }) => id))
  const entries = evidence.entries.map(({ memory }) => memory)
  const memories = unique([...entries, ...kept.toReversed(), ...(told?.written ?? [])])
  const remembered = memories.flatMap((memory) => knownFact(memory, gone))
  const said = heardIn(heard, remembered)
  const facts = [...said.facts, ...remembered]
  const notes = memories.flatMap(({ id, text, fact }): Note[] => (fact ? [] : [{ id, text }]))
  const mayMiss = !isWhole || (kept.length === MAX_FACTS && evidence.asked.length === 0)
  const checked = { question, reply, facts, notes: [...said.notes, ...notes] }
  const ruled = checkReply(checked)
  const verdicts = (critic ? await encodeVerdicts(critic, owner, checked, ruled) : ruled)
    .map((verdict) => (mayMiss ? { ...verdict, invented: false } : verdict))
    .map((verdict) => promiseOf(verdict, told) ?? verdict)
  const { asked, contexts, reads, replaced: denied } = evidence
  // What this conversation says and memory found too is weighed as found: a reader has read it.
  const candidates = [...evidence.found, ...evidence.said]
  const texts = said.notes.map(({ text }) => text)
  const over = texts.length === 0 ? [] : await store.keptTexts(owner, { namespace, user, ended: true, texts })
  const weighed = new Set([...over, ...evidence.said.map(({ memory }) => memory.text)])
  const unfound = said.notes.filter(({ text }) => !weighed.has(text))
  const remembers = { asked, found: candidates, contexts, reads, facts, heard: unfound, replaced: denied }
  const read = policy === 'quote' ? recollect(question, remembers, knowsOnlyTold) : null
  const ended = read?.isNear ? await replacedSentences(store, owner, { namespace, user }, question, memories) : []
  const all = { ...remembers, replaced: [...denied, ...ended] }
  const found = ended.length > 0 ? recollect(question, all, knowsOnlyTold) : read
  const recollection = knowsOnlyTold && (found === null || found.isNear) && asksNothingTold(question) ? null : found
  const whose = {
    around: toldAround(store, owner, { namespace, user }),
    compare: comparing({ embedders, log }, owner),
    read: evidence.read,
  }
  const later = recollection && (await withLater(question, recollection, whose))
  const everything = policy === 'quote' ? allTold(question, facts, !isWhole) : null
  const answer =
    everything ?? (later && recalled(question, later, reply, verdicts, all, { mayMiss: !isWhole, knowsOnlyTold }))
  const asks = asked.length > 0 || recollection !== null || question.trimEnd().endsWith('?')
  const plain = decide(policy, verdicts, facts, question, mayMiss)
  const decided = answer ?? (asks || policy !== 'quote' ? sensible(plain, evidence) : plain)
  const rests = answer !== null || (decided.action === 'replace' && decided.facts.length > 0)
  const fitting = (): Promise<FittingReply | null> => replyTo(smallTalk, owner, question, log)
  const instead = async (): Promise<Decision | null> =>
    confirmation(decided, verdicts, evidence, told) ??
    takenBack(question, told, !knowsOnlyTold) ??
    (knowsOnlyTold && !rests ? onlyTold(question, recollection?.question ?? null, verdicts, told, fitting) : null)
  const decision = (policy === 'quote' ? await instead() : null) ?? decided
  metrics.verification.observe((performance.now() - began) / 1000)
  for (const { verdict } of verdicts) metrics.verdicts.inc({ verdict })
  return { policy, verdicts, decision }
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

/**
 * As `verifyReply`; where the policy is `retry` and the reply is wrong, another one is made and checked once. It is served if
 * nothing in it is wrong; if something is, what `abstain` says.
 */
export async function verifyOrRetry(
  deps: CriticDeps,
  owner: string,
  use: MemoryUse,
  turn: CheckedTurn,
  policy: Verified['policy'],
  another: MakeAnother,
): Promise<Verified> {
  const first = await verifyReply(deps, owner, use, turn, policy)
  if (first.decision.action !== 'retry') return first
  const made = await another(first.decision.told)
  const reply = made?.text.trim() ?? ''
  if (!made || reply === '')
    return { ...first, decision: (await verifyReply(deps, owner, use, turn, 'abstain')).decision }
  const { verdicts, decision } = await verifyReply(deps, owner, use, { ...turn, reply }, 'abstain')
  const isServed = decision.action === 'keep'
  const facts = verdicts.flatMap((verdict) => verdict.facts)
  const retried = { verdicts, tokens: made.tokens, isServed }
  return { ...first, retried, decision: isServed ? { action: 'replace', text: reply, facts } : decision }
}

/** Where no fact answers, the sentence of the user that a reader calls the nearest does, if there is one that no rule has read. */
function sensible(decision: Decision, { asked, entries, reads, gate }: Evidence): Decision {
  if (decision.action !== 'replace' || decision.facts.length > 0) return decision
  const near = entries.filter(({ memory }) => asked.length === 0 || memory.fact === null)
  const oddsOf = ({ memory }: MemoryHit): number => reads.get(memory.id) ?? 0
  const [best] = near.toSorted((a, b) => oddsOf(b) - oddsOf(a) || b.score - a.score)
  if (best) return { ...decision, text: quoted(best.memory.text, gate.answer), facts: [best.memory.id] }
  return asked.length === 0 ? { ...decision, text: ONLY_TOLD } : decision
}

/** What was corrected is said again in the user's words where the reply says nothing of it; null: the reply stands. */
function confirmation(
  decided: Decision,
  verdicts: readonly SentenceVerdict[],
  { asked }: Evidence,
  told: TurnMemories | null,
): Decision | null {
  const written = told?.ended.length ? told.written : []
  const isSaid = verdicts.some(({ verdict }) => verdict === 'supported')
  if (decided.action !== 'keep' || isSaid || asked.length > 0 || written.length === 0) return null
  const inOrder = written.toSorted((a, b) => (a.source?.start ?? 0) - (b.source?.start ?? 0))
  const texts = [...new Set(inOrder.map(({ text }) => `"${text}"`))]
  return { action: 'replace', text: `I will remember: ${texts.join(' ')}`, facts: written.map(({ id }) => id) }
}

function knownFact({ id, text, fact, ended }: Memory, gone: ReadonlySet<string>): KnownFact[] {
  return fact ? [{ ...fact, id, text, holds: ended === null && !gone.has(id) }] : []
}

/** Facts in the order in which they were told; one that was found and is kept stands once. */
function unique(memories: readonly Memory[]): Memory[] {
  return [...new Map(memories.map((memory) => [memory.id, memory])).values()].toSorted((a, b) => a.created - b.created)
}
