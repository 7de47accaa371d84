/** The critic in a turn: the reply against what its user has told, before it is served or stored. */
import { isOfAssistant } from '../memory/recall/question.ts'
import type { FittingReply } from '../../runtime/small-talk.ts'
import type { Deps } from '../deps.ts'
import type { Evidence, MemoryUse } from '../memory/evidence.ts'
import type { TurnMemories } from '../memory/told.ts'
import type { MemoryHit } from '../store/memory-calls.ts'
import { checkReply } from './check-reply.ts'
import { encodeVerdicts } from './encoder/encode-verdicts.ts'
import { knownFor, type CheckedTurn, type Known } from './known.ts'
import { ONLY_TOLD, onlyTold } from './only-told.ts'
import { decide, type Decision } from './policy.ts'
import { promiseOf } from './promise.ts'
import { quotedAnswer } from './quoted-answer.ts'
import { quotedAs } from './recalled.ts'
import { replyTo } from './small-talk.ts'
import { takenBack } from './taken-back.ts'
import type { VerifyMode } from './verify-mode.ts'
import type { SentenceVerdict } from './verdict.ts'

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

type CriticDeps = Pick<Deps, 'store' | 'metrics' | 'critic' | 'smallTalk' | 'embedders' | 'log'>

/** The verdicts on a reply, and what is served. */
export async function verifyReply(
  deps: CriticDeps,
  owner: string,
  use: MemoryUse,
  turn: CheckedTurn,
  policy: Verified['policy'],
): Promise<Verified> {
  const { metrics } = deps
  const began = performance.now()
  const known = await knownFor(deps.store, owner, use, turn)
  const verdicts = await verdictsOf(deps.critic, owner, turn, known)
  const decision = await decisionOf(deps, owner, use, turn, known, verdicts, policy)
  metrics.verification.observe((performance.now() - began) / 1000)
  for (const { verdict } of verdicts) metrics.verdicts.inc({ verdict })
  return { policy, verdicts, decision }
}

/** Of each sentence of the reply, by rules and the encoder where there is one. */
async function verdictsOf(
  critic: Deps['critic'],
  owner: string,
  { question, reply, told }: CheckedTurn,
  { facts, notes, mayMiss }: Known,
): Promise<SentenceVerdict[]> {
  const checked = { question, reply, facts, notes }
  const ruled = checkReply(checked)
  const verdicts = critic ? await encodeVerdicts(critic, owner, checked, ruled) : ruled
  return verdicts
    .map((verdict) => (mayMiss ? { ...verdict, invented: false } : verdict))
    .map((verdict) => promiseOf(verdict, told) ?? verdict)
}

async function decisionOf(
  deps: CriticDeps,
  owner: string,
  use: MemoryUse,
  turn: CheckedTurn,
  known: Known,
  verdicts: readonly SentenceVerdict[],
  policy: Verified['policy'],
): Promise<Decision> {
  const { question, evidence, told, knowsOnlyTold } = turn
  const plain = decide(policy, verdicts, known.facts, question, known.mayMiss)
  if (policy !== 'quote') return sensible(plain, evidence)
  const { decision: answer, recollection } = await quotedAnswer(deps, owner, use, turn, known, verdicts)
  const asks = evidence.asked.length > 0 || recollection !== null || question.trimEnd().endsWith('?')
  const decided = answer ?? (asks ? sensible(plain, evidence) : plain)
  const rests = answer !== null || (decided.action === 'replace' && decided.facts.length > 0)
  const fitting = (): Promise<FittingReply | null> => replyTo(deps.smallTalk, owner, question, deps.log)
  const instead = async (): Promise<Decision | null> =>
    confirmation(decided, verdicts, evidence, told) ??
    takenBack(question, told, !knowsOnlyTold) ??
    (knowsOnlyTold && (!rests || isOfAssistant(question))
      ? onlyTold(question, recollection?.question ?? null, verdicts, told, fitting)
      : null)
  return (await instead()) ?? decided
}

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
  if (best) return { ...decision, text: quotedAs(best.memory.text, gate.answer), facts: [best.memory.id] }
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
