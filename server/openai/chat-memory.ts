/** What memories do in a chat completion: the reply reads them, and what is told is remembered where that was asked for. */
import type { Message } from '../../runtime/text.ts'
import type { Deps } from '../deps.ts'
import { embedTold } from '../memory/memories.ts'
import { findEvidence, type MemoryUse } from '../memory/evidence.ts'
import { memoriesOfTurn, type TurnMemories } from '../memory/told.ts'
import type { NewTurn } from '../run-turn.ts'
import type { ServedModel } from '../served-model.ts'
import { memoryReport } from './memory-use.ts'
import { withNotes } from './notes.ts'

export interface RememberedChat {
  /** The turn, with notes where some are read. */
  readonly turn: NewTurn
  /** The replies are complete: writes what the user told. */
  finish(completion: string): Promise<void>
  /** What is added to the usage. */
  usage(): Record<string, unknown>
}

/** The conversation is sent whole each time, so what the state has read of the notes is not kept, and nothing is read again. */
export async function rememberChat(
  deps: Deps,
  model: ServedModel,
  turn: NewTurn,
  use: MemoryUse,
  signal: AbortSignal,
): Promise<RememberedChat> {
  const { owner, prompt } = turn
  const messages: readonly Message[] = prompt.kind === 'chat' ? prompt.messages : []
  const isKnown = ({ text }: { readonly text: string }): boolean =>
    messages.some(({ content }) => content.includes(text))
  const last = messages.at(-1)
  const said = last?.role === 'user' ? last.content : ''
  const evidence = await findEvidence(deps, owner, use, said, isKnown, signal)
  const noted = evidence && (await withNotes(model, turn, evidence.entries))
  let told: TurnMemories | null = null
  if (evidence) deps.metrics.memoryReads.inc({ gate: noted ? 'open' : 'closed' })
  return {
    turn: noted?.job ?? turn,
    async finish(completion) {
      if (!use.write || said === '') return
      told = await memoriesOfTurn(deps, owner, use, said, { response: completion, conversation: completion })
      await deps.store.tellMemories(owner, told.told)
      void embedTold(deps, owner, told.written)
    },
    usage() {
      const memory = memoryReport(evidence, noted, null, told)
      return memory ? { mneme: { memory } } : {}
    },
  }
}
