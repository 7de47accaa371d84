/** What memories do in a chat completion: the reply reads them and is checked, and what is told is remembered where asked for. */
import type { Message } from '../../runtime/text.ts'
import { lastHeard } from '../critic/heard.ts'
import { verifyOrRetry, type Verified } from '../critic/verify-reply.ts'
import type { Deps } from '../deps.ts'
import type { MemoryUse } from '../memory/evidence.ts'
import { withAntecedent } from '../memory/recall/antecedent.ts'
import { embedTold } from '../memory/memories.ts'
import { countTold, memoriesOfTurn, type TurnMemories } from '../memory/told.ts'
import type { NewTurn } from '../run-turn.ts'
import type { ServedModel } from '../served-model.ts'
import { anotherReply } from './another-reply.ts'
import type { ReplyPlan } from './reply-plan.ts'
import { servedInstead, verificationReport, WAITS } from './checked-text.ts'
import { memoryReport } from './memory-use.ts'
import { besideReply } from './beside-reply.ts'
import { withNotes } from './notes.ts'
import { restsOnTurns } from './past-turns.ts'
import { decideTurn, gatesReport, type GatedTurn } from './turn-gates.ts'
import { charactersOf, notesOf } from './turn-memory.ts'

export interface RememberedChat {
  /** The turn, with notes where some are read. */
  readonly turn: NewTurn
  /** Nothing of the reply may be sent before it is checked. */
  readonly waits: boolean
  /** Checks the text of the only reply; returns what is served in its place, or null. Throws ApiError where it is taken back. */
  check(completion: string, text: string): Promise<string | null>
  /** The replies are complete: writes what the user told. */
  finish(completion: string): Promise<void>
  /** What stands below `mneme` in the usage. */
  usage(): Record<string, unknown>
}

/** The conversation is sent whole each time, so what the state has read of the notes is not kept, and nothing is read again. */
export async function rememberChat(
  deps: Deps,
  model: ServedModel,
  asked: NewTurn,
  use: MemoryUse,
  { verify, forced, plan }: Pick<GatedTurn, 'verify' | 'forced'> & { readonly plan: ReplyPlan },
  signal: AbortSignal,
): Promise<RememberedChat> {
  const { owner, prompt } = asked
  const messages: readonly Message[] = prompt.kind === 'chat' ? prompt.messages : []
  const isKnown = ({ text }: { readonly text: string }): boolean =>
    messages.some(({ content }) => content.includes(text))
  const last = messages.at(-1)
  const said = last?.role === 'user' ? last.content : ''
  const users = messages.flatMap(({ role, content }) => (role === 'user' ? [content] : []))
  const question = last?.role === 'user' ? withAntecedent(said, users.slice(0, -1)) : said
  const gated: GatedTurn = {
    owner,
    use,
    model,
    job: asked,
    message: question,
    isKnown,
    conversation: null,
    forced,
    characters: charactersOf(asked),
    verify: asked.choices === 1 ? verify : 'off',
  }
  const { evidence, embedded, turns, job: turn, gates, verify: mode } = await decideTurn(deps, gated, signal)
  const noted = await withNotes(model, turn, notesOf(evidence, turns))
  if (evidence) deps.metrics.memoryReads.inc({ gate: noted ? 'open' : 'closed' })
  const another = anotherReply(deps, model, turn, plan, signal)
  let told: Promise<TurnMemories | null> | null = null
  let outcome: { told: TurnMemories | null; verified: Verified | null; served: string | null } | null = null
  const before = messages.at(-2)
  const readTold = async (completion: string): Promise<TurnMemories | null> => {
    if (!use.write || said === '') return null
    const origin = { response: completion, conversation: completion }
    const reply = before?.role === 'assistant' ? before.content : null
    return memoriesOfTurn(deps, owner, use, said, origin, await besideReply(deps, owner, use, reply, signal))
  }
  const tell = (completion: string): Promise<TurnMemories | null> => (told ??= readTold(completion))
  return {
    turn: noted?.job ?? turn,
    waits: WAITS.has(mode),
    async check(completion, reply) {
      if (mode === 'off' || !evidence || (reply.trim() === '' && !model.knowsOnlyTold)) return null
      const { heard, isAll } = lastHeard(users)
      const checked = {
        question,
        reply: reply.trim(),
        evidence,
        told: await tell(completion),
        heard,
        // What was asked in another conversation need not have been told.
        isWhole: isAll && !(noted && restsOnTurns(reply, question, turns)),
        knowsOnlyTold: model.knowsOnlyTold,
      }
      const verified = await verifyOrRetry(deps, owner, use, checked, mode, another)
      const served = WAITS.has(mode) ? servedInstead(verified) : null
      outcome = { told: checked.told, verified, served }
      return served
    },
    async finish(completion) {
      const memories = await tell(completion)
      outcome = { verified: null, served: null, ...outcome, told: memories }
      if (!memories) return
      if (memories.told.length > 0) await deps.store.tellMemories(owner, memories.told)
      countTold(deps.metrics, memories)
      void embedTold(deps, owner, memories.written, embedded)
    },
    usage() {
      const memory = memoryReport(evidence, turns, noted, null, outcome?.told ?? null)
      const { verified, served } = outcome ?? {}
      const verification = verified && verificationReport(verified, served ?? null)
      const told = { ...(gates && { gates: gatesReport(gates, noted !== null) }), ...(memory && { memory }) }
      return { ...told, ...(verification && { verification }) }
    },
  }
}
