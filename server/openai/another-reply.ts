/** Another reply to the same turn, for the policy `retry`: drawn anew, with what the user told as notes. */
import type { MakeAnother } from '../critic/verify-reply.ts'
import type { Deps } from '../deps.ts'
import { runTurn, type NewTurn } from '../run-turn.ts'
import type { ServedModel } from '../served-model.ts'
import { CheckedText } from './checked-text.ts'
import { withNotes } from './notes.ts'
import type { ReplyPlan } from './reply-plan.ts'
import { partsOf, ReplyReader } from './reply-reader.ts'

/** A greedy reply would be the same again where its notes are. */
const LEAST_TEMPERATURE = 0.7

/** Makes other replies to a turn that has not read notes. */
export function anotherReply(
  deps: Deps,
  model: ServedModel,
  turn: NewTurn,
  plan: ReplyPlan,
  signal: AbortSignal,
): MakeAnother {
  return async (told) => {
    const { sampling } = turn
    const temperature = told.length > 0 ? sampling.temperature : Math.max(LEAST_TEMPERATURE, sampling.temperature)
    const drawn = { ...sampling, temperature, seed: sampling.seed + 1, logprobs: null }
    const job: NewTurn = { ...turn, sampling: drawn, choices: 1, keep: false }
    const noted = await withNotes(
      model,
      job,
      told.map((text) => ({ memory: { text } })),
    )
    const reader = new ReplyReader(plan)
    const reply = new CheckedText('annotate')
    for await (const event of runTurn(deps, model, noted?.job ?? job, { signal }, 'input')) {
      if (event.kind === 'accepted') reader.begin(event.inReasoning)
      if (event.kind === 'text') reply.take(partsOf(reader, plan, event.text), [])
      if (event.kind !== 'done') continue
      reply.take(reader.end(), [])
      return { text: reply.text, tokens: event.generated.length }
    }
    return null
  }
}
