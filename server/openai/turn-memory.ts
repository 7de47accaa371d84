/** The memory of a turn of the Responses API: what it reads before the reply, and what is checked, told and read again after it. */
import type { Base } from '../base.ts'
import { lastHeard } from '../critic/heard.ts'
import type { VerifyMode } from '../critic/verify-mode.ts'
import type { CheckedTurn } from '../critic/known.ts'
import { verifyOrRetry, type Verified } from '../critic/verify-reply.ts'
import type { Deps } from '../deps.ts'
import type { DoneEvent } from '../engine/messages.ts'
import type { Evidence, MemoryUse } from '../memory/evidence.ts'
import { asksOfSomebody, withAntecedent } from '../memory/recall/antecedent.ts'
import { countTold, memoriesOfTurn, type TurnMemories } from '../memory/told.ts'
import type { NewTurn } from '../run-turn.ts'
import { readAgain, type SecondReading } from '../second-reading.ts'
import type { ServedModel } from '../served-model.ts'
import type { EmbeddedText } from '../store/memory-calls.ts'
import type { CheckedText } from './checked-text.ts'
import { isRemembered, memoryUse } from './memory-use.ts'
import { withEvidence, type Note, type NotedTurn } from './notes.ts'
import { restsOnTurns, type PastTurn } from './past-turns.ts'
import { decideTurn, forcedGates, type TurnGates } from './turn-gates.ts'
import { readableChunks, searchForTurn, type FileSearch } from './file-search.ts'
import { anotherReply } from './another-reply.ts'
import type { OpenConversation } from './open-conversation.ts'
import { besideReply } from './beside-reply.ts'
import type { ReplyPlan } from './reply-plan.ts'
import { replyText, userTexts, type InputEntry } from './response-input.ts'
import type { ResponseRequest } from './responses-schema.ts'

/** What the memory of a turn needs to know of it. */
export interface TurnOfMemory {
  readonly id: string
  readonly model: ServedModel
  readonly base: Base | null
  readonly conversation: OpenConversation | null
  readonly input: readonly InputEntry[]
  readonly job: NewTurn
  readonly plan: ReplyPlan
}

/** What a turn reads of memories before its reply. */
export interface ReadMemory {
  readonly use: MemoryUse
  /** What the user wrote in it. */
  readonly said: readonly string[]
  /** What they wrote last, with whom it means by "she" or "he". */
  readonly question: string
  readonly evidence: Evidence | null
  /** What the user wrote last with its vector, where that was made. */
  readonly embedded: EmbeddedText | null
  /** Turns of other conversations that the reply reads. */
  readonly turns: readonly PastTurn[]
  /** Null: no reply is made. */
  readonly gates: TurnGates | null
  /** The job with what its gates decided. */
  readonly job: NewTurn
  /** What was found in files; null where it was not looked for. */
  readonly search: FileSearch | null
  /** Null: the reply is made without notes. */
  readonly noted: NotedTurn | null
  /** What is done with a reply that is wrong about its user. */
  readonly verify: VerifyMode
}

type RememberingTurn = TurnOfMemory & ReadMemory

/** Finds what is remembered of the turn's user and what files say, and puts it before the turn as notes. */
export async function readMemory(
  deps: Deps,
  request: ResponseRequest,
  turn: TurnOfMemory,
  owner: string,
  signal: AbortSignal,
): Promise<ReadMemory> {
  const use = memoryUse(request, deps.memories, request.store ?? true)
  const said = saidBy(turn.input)
  const generates = turn.job.maxTokens > 0
  const isKnown = ({ text }: { readonly text: string }): boolean => said.some((message) => message.includes(text))
  const { model, base } = turn
  const last = said.at(-1) ?? ''
  const message = use.read && generates ? await understood(deps, turn.base, said) : last
  if (!generates)
    return {
      use,
      said,
      question: message,
      evidence: null,
      embedded: null,
      turns: [],
      gates: null,
      job: turn.job,
      search: null,
      noted: null,
      verify: 'off',
    }
  const gated = await decideTurn(
    deps,
    {
      owner,
      use,
      model,
      job: turn.job,
      message,
      isKnown,
      characters: charactersOf(turn.job),
      conversation: base?.root ?? turn.conversation?.id ?? null,
      verify: request.mneme?.verify ?? deps.verify,
      forced: forcedGates(request),
    },
    signal,
  )
  const { evidence, turns, job } = gated
  const search = await searchForTurn(deps, request, last, owner, signal)
  const noted = await withEvidence(model, job, notesOf(evidence, turns), readableChunks(search))
  return { use, said, question: message, ...gated, search, noted }
}

/** Memories and turns that are read, oldest first. */
export function notesOf(evidence: Evidence | null, turns: readonly PastTurn[]): Note[] {
  const entries = evidence?.entries ?? []
  const memories = entries.map(({ memory: { text, created } }) => ({ text, created }))
  // What a memory says already is not said again.
  const isRead = new Set(memories.map(({ text }) => text))
  const own = turns.flatMap(({ sentences, created }) => {
    const text = sentences.filter((sentence) => !isRead.has(sentence)).join(' ')
    return text === '' ? [] : [{ text, created }]
  })
  return [...memories, ...own].toSorted((a, b) => a.created - b.created)
}

/** Characters of the messages that a turn adds. */
export function charactersOf({ prompt }: NewTurn): number {
  return prompt.kind === 'chat' ? prompt.messages.reduce((sum, { content }) => sum + content.length, 0) : 0
}

/** The last message; where it asks about "her", with who she is by what the user wrote before. */
async function understood({ store }: Deps, base: Base | null, said: readonly string[]): Promise<string> {
  const message = said.at(-1) ?? ''
  if (!asksOfSomebody(message)) return message
  const records = base?.stored ? await store.history(base.id, ASKED_TURNS) : []
  return withAntecedent(message, [...records.flatMap(({ document }) => userTexts(document)), ...said.slice(0, -1)])
}

/** The user's messages. */
function saidBy(input: readonly InputEntry[]): string[] {
  return input.flatMap((entry) => (entry.kind === 'message' && entry.role === 'user' ? [entry.texts.join('')] : []))
}

/** Reads the turn again without notes, or with the text that was served in place of the reply; null where neither was so. */
export async function secondReading(
  deps: Deps,
  { model, job, noted }: RememberingTurn,
  done: DoneEvent,
  served: string | null,
): Promise<SecondReading | null> {
  return (noted || served !== null) && done.checkpoint ? readAgain(deps, model, job, done, served) : null
}

/** The verdicts on the reply; null where nothing is checked. */
export async function verifiedOf(
  deps: Deps,
  owner: string,
  { use, said, question, base, evidence, turns, noted, verify, model, job, plan }: RememberingTurn,
  reply: CheckedText,
  told: TurnMemories | null,
  signal: AbortSignal,
): Promise<Verified | null> {
  // A small model may say nothing at all; what was told is an answer all the same.
  if (verify === 'off' || !evidence || (reply.text === '' && !model.knowsOnlyTold)) return null
  const before = await heardBefore(deps, owner, base, reply.waits)
  const heard = [...before.heard, ...said]
  // What files say, or was asked in another conversation, need not have been told.
  const restsOnOthers =
    (noted?.chunks ?? []).length > 0 || (noted !== null && restsOnTurns(reply.text, question, turns))
  const isWhole = before.isWhole && !restsOnOthers
  const { knowsOnlyTold } = model
  const turn = { heard, isWhole, knowsOnlyTold, question, reply: reply.text, evidence, told }
  return verifyOrRetry(deps, owner, use, turn, verify, anotherReply(deps, model, job, plan, signal))
}

/** Turns in which it is looked for whom a question means. */
const ASKED_TURNS = 2
/** Turns of a conversation in which it is looked for what its user told. */
const HEARD_TURNS = 64

/** What the user wrote in the last turns, and whether all that was told before is known. */
async function heardBefore(
  { store }: Deps,
  owner: string,
  base: Base | null,
  isNeeded: boolean,
): Promise<Pick<CheckedTurn, 'heard' | 'isWhole'>> {
  if (!base) return { heard: [], isWhole: true }
  if (!base.stored || !isNeeded) return { heard: [], isWhole: false }
  const records = await store.history(base.id, HEARD_TURNS)
  const { heard, isAll } = lastHeard(records.flatMap(({ document }) => userTexts(document)))
  if (isAll && records.length < HEARD_TURNS) return { heard, isWhole: true }
  // What was told in a conversation that was remembered from its beginning is among the memories.
  const first = await store.first(owner, base.root)
  return { heard, isWhole: first !== null && isRemembered(first.document) }
}

/** What is remembered of the turn's own text, once the turn is stored. */
export async function rememberedOf(
  deps: Deps,
  owner: string,
  turn: RememberingTurn,
  signal: AbortSignal,
): Promise<TurnMemories | null> {
  const { use, said, id } = turn
  if (!use.write || said.length === 0) return null
  const beside = await besideReply(deps, owner, use, await replyBefore(deps, turn), signal)
  return memoriesOfTurn(deps, owner, use, said.join('\n'), { response: id, conversation: sessionOf(turn) }, beside)
}

/** The reply that the turn follows: of its own input, or of the turn before; null where there is none. */
async function replyBefore({ store }: Deps, { input, base }: RememberingTurn): Promise<string | null> {
  const replies = input.flatMap((entry) => (entry.kind === 'message' && entry.role === 'assistant' ? [entry] : []))
  const last = replies.at(-1)
  if (last) return last.texts.join('')
  const [record] = base?.stored ? await store.history(base.id, 1) : []
  return record ? replyText(record.document) : null
}

/** The name of the session that a turn belongs to. */
export function sessionOf({ id, base, conversation }: Pick<RememberingTurn, 'id' | 'base' | 'conversation'>): string {
  return base?.root ?? conversation?.id ?? id
}

/** Counts what memory did in a finished turn. */
export function countMemories({ metrics }: Deps, { evidence, noted }: ReadMemory, told: TurnMemories | null): void {
  if (evidence) metrics.memoryReads.inc({ gate: noted && evidence.entries.length > 0 ? 'open' : 'closed' })
  if (told) countTold(metrics, told)
}
