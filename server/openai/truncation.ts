/** `truncation: "auto"`: whole oldest turns of a conversation that has become too long are left out. */
import type { Message } from '../../runtime/text.ts'
import type { Base } from '../base.ts'
import type { Deps } from '../deps.ts'
import { conversationTokens } from '../engine/client.ts'
import type { NewTurn } from '../run-turn.ts'
import type { ServedModel } from '../served-model.ts'
import { readInput, type InputEntry } from './response-input.ts'
import type { InputItem, ResponseRequest } from './responses-schema.ts'

/** Of a context in which a reply of the default length has no room, this part is made free. */
const FREE_SHARE = 1 / 4

type Json = Record<string, unknown>

/** A turn that has been prepared on the whole conversation. */
export interface WholeTurn {
  readonly model: ServedModel
  readonly base: Base | null
  /** The request's own input. */
  readonly input: readonly InputEntry[]
  readonly job: NewTurn
}

export interface TruncatedTurn {
  readonly job: NewTurn
  /** Tokens of the conversation that the job leaves out. */
  readonly truncated: number
}

/**
 * Returns the turn's job where the conversation leaves room for the reply. Otherwise a job that starts afresh: it reads
 * the instructions, the system messages at the beginning and as many of the newest turns as leave room. A turn is a
 * user's message with all that follows it. `messagesOf` makes of a request and its input what the model reads.
 */
export async function truncate(
  deps: Deps,
  request: ResponseRequest,
  { model, base, input, job }: WholeTurn,
  messagesOf: (request: ResponseRequest, input: readonly InputEntry[]) => Message[],
): Promise<TruncatedTurn> {
  const { prompt } = job
  const limit = model.contextLength
  const own = limit === null || prompt.kind !== 'chat' ? null : await model.engine.count(job)
  const whole = { job, truncated: 0 }
  // Of a turn that is not stored nobody knows the messages: the job is refused.
  if (limit === null || prompt.kind !== 'chat' || own === null || base?.stored === false) return whole
  const tokens = conversationTokens(job.from, own)
  const room = roomFor(job, limit)
  if (tokens + room <= limit) return whole
  const { head, turns, instructions } = await conversationOf(deps, request, base, input, job.owner)
  const jobFrom = (first: number): NewTurn => {
    const kept = [...head, ...turns.slice(first).flat()]
    const messages = messagesOf({ ...request, instructions }, kept)
    return { ...job, from: null, prompt: { ...prompt, messages } }
  }
  let [fewest, most] = [0, turns.length - 1]
  while (fewest < most) {
    const middle = (fewest + most) >> 1
    const left = await model.engine.count(jobFrom(middle))
    if (left !== null && left + room <= limit) most = middle
    else fewest = middle + 1
  }
  const cut = jobFrom(most)
  return { job: cut, truncated: Math.max(0, tokens - ((await model.engine.count(cut)) ?? 0)) }
}

/** Tokens that are to be free for the reply. */
function roomFor({ maxTokens, leastTokens }: NewTurn, limit: number): number {
  return Math.max(leastTokens, Math.min(maxTokens, Math.floor(limit * FREE_SHARE)))
}

interface Conversation {
  /** System messages at the beginning. */
  readonly head: readonly InputEntry[]
  /** At least one. */
  readonly turns: readonly (readonly InputEntry[])[]
  readonly instructions: string | null
}

/** What is read here of a response's document. */
interface StoredDocument {
  readonly response: { readonly instructions: unknown; readonly output: readonly Json[] }
  readonly input: readonly Json[]
}

/** The whole conversation as messages: what was stored of the turns before, and the request's own input. */
async function conversationOf(
  deps: Deps,
  request: ResponseRequest,
  base: Base | null,
  input: readonly InputEntry[],
  owner: string,
): Promise<Conversation> {
  const records = base ? await deps.store.history(base.id) : []
  const documents = records.map(({ document }) => JSON.parse(document) as StoredDocument)
  const items = documents.flatMap(({ response, input: read }) => [...read, ...response.output])
  const stored = { ...request, input: items as unknown as InputItem[], previous_response_id: null }
  const entries = [...(await readInput(deps, stored, owner)), ...input]
  const start = entries.findIndex((entry) => !hasRole(entry, 'system') && !hasRole(entry, 'developer'))
  const given = [...documents.map(({ response }) => response.instructions), request.instructions]
  const instructions = [...new Set(given.filter((text) => typeof text === 'string' && text !== ''))]
  return {
    head: entries.slice(0, Math.max(0, start)),
    turns: turnsOf(entries.slice(Math.max(0, start))),
    // Those of later turns were system messages between the turns, which may be left out.
    instructions: instructions.length > 0 ? instructions.join('\n\n') : null,
  }
}

/** A turn begins with each user's message that follows another role's. */
function turnsOf(entries: readonly InputEntry[]): InputEntry[][] {
  const turns: InputEntry[][] = []
  for (const [at, entry] of entries.entries()) {
    const before = entries[at - 1]
    const begins = hasRole(entry, 'user') && !(before && hasRole(before, 'user'))
    if (begins || turns.length === 0) turns.push([entry])
    else turns.at(-1)?.push(entry)
  }
  return turns.length > 0 ? turns : [[]]
}

function hasRole(entry: InputEntry, role: string): boolean {
  return entry.kind === 'message' && entry.role === role
}
