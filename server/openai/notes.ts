/** A turn that reads notes: what is remembered of its user stands before the user's message, on a fork of the state. */
import { notesText, passagesText } from '../../runtime/notes.ts'
import type { Message } from '../../runtime/text.ts'
import { conversationTokens } from '../engine/client.ts'
import type { FoundChunk } from '../files/search-files.ts'
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
  /** Pieces of files that are among them. */
  readonly chunks: readonly FoundChunk[]
}

/** Characters of pieces that a reply reads; there is room for the best in any case. */
const MAX_CHUNK_CHARACTERS = 4000

/** The job with entries and as many of the pieces, the best first, as there is room for; null where there is nothing to read. */
export async function withEvidence(
  model: ServedModel,
  job: NewTurn,
  entries: readonly MemoryHit[],
  found: readonly FoundChunk[],
): Promise<NotedTurn | null> {
  const chunks = withinBudget(found)
  // Where all of them do not fit into the context, half of them may.
  for (let most = chunks.length; ; most >>= 1) {
    const noted = await withNotes(model, job, entries, chunks.slice(0, most))
    if (noted || most === 0) return noted
  }
}

function withinBudget(found: readonly FoundChunk[]): FoundChunk[] {
  let characters = 0
  return found.filter(({ text }, at) => {
    characters += text.length
    return at === 0 || characters <= MAX_CHUNK_CHARACTERS
  })
}

/** Null where the notes do not fit into the model's context, or the prompt is no chat. */
export async function withNotes(
  model: ServedModel,
  job: NewTurn,
  entries: readonly { readonly memory: { readonly text: string } }[],
  chunks: readonly FoundChunk[] = [],
): Promise<NotedTurn | null> {
  const { prompt } = job
  if (entries.length + chunks.length === 0 || prompt.kind !== 'chat') return null
  const notes = entries.length > 0 ? [notesText(entries.map(({ memory }) => memory))] : []
  const text = [...notes, ...(chunks.length > 0 ? [passagesText(chunks)] : [])].join('\n\n')
  const own = await model.engine.count(job)
  for (const place of ['system', 'user'] as const) {
    const prefixes = job.prefixes && { ...job.prefixes, readOnly: true }
    const noted: NewTurn = { ...job, prompt: { ...prompt, messages: placed(prompt.messages, text, place) }, prefixes }
    const tokens = await model.engine.count(noted)
    // The template refuses a system message there.
    if (tokens === null || own === null) continue
    const whole = conversationTokens(job.from, tokens) + job.leastTokens
    if (model.contextLength !== null && whole > model.contextLength) return null
    return { job: noted, place, tokens: tokens - own, chunks }
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
