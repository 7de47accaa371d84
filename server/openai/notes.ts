/** A turn that reads notes: what is remembered of its user stands before the user's message, on a fork of the state. */
import { notesText } from '../../runtime/notes.ts'
import type { Message } from '../../runtime/text.ts'
import { conversationTokens } from '../engine/client.ts'
import type { MemoryHit } from '../store/memory-calls.ts'
import type { NewTurn } from '../run-turn.ts'
import type { ServedModel } from '../served-model.ts'

/** Where notes stand: in a system message, or before the text of the user's message where the template allows no other place. */
export type NotesPlace = 'system' | 'user'

export interface NotedTurn {
  /** The job with notes. It looks prefixes up and leaves none. */
  readonly job: NewTurn
  readonly place: NotesPlace
  /** Tokens that the notes add. */
  readonly tokens: number
}

/** Null where the notes do not fit into the model's context, or the prompt is no chat. */
export async function withNotes(
  model: ServedModel,
  job: NewTurn,
  entries: readonly MemoryHit[],
): Promise<NotedTurn | null> {
  const { prompt } = job
  if (entries.length === 0 || prompt.kind !== 'chat') return null
  const text = notesText(entries.map(({ memory }) => memory))
  const own = await model.engine.count(job)
  for (const place of ['system', 'user'] as const) {
    const prefixes = job.prefixes && { ...job.prefixes, readOnly: true }
    const noted: NewTurn = { ...job, prompt: { ...prompt, messages: placed(prompt.messages, text, place) }, prefixes }
    const tokens = await model.engine.count(noted)
    // The template refuses a system message there.
    if (tokens === null || own === null) continue
    const whole = conversationTokens(job.from, tokens) + job.leastTokens
    if (model.contextLength !== null && whole > model.contextLength) return null
    return { job: noted, place, tokens: tokens - own }
  }
  return null
}

/** The messages with the notes before the last one of the user. A system message that stands there takes them in. */
function placed(messages: readonly Message[], text: string, place: NotesPlace): Message[] {
  const at = messages.findLastIndex(({ role }) => role === 'user')
  if (at < 0) return [...messages]
  const [before, user] = [messages[at - 1], messages[at] as Message]
  if (place === 'user') return messages.with(at, { ...user, content: `${text}\n\n${user.content}` })
  if (before?.role === 'system' || before?.role === 'developer')
    return messages.with(at - 1, { ...before, content: `${before.content}\n\n${text}` })
  return messages.toSpliced(at, 0, { role: 'system', content: text })
}
