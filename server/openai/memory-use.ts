/** What a request says of memories, and what a response tells of them. */
import { DEFAULT_NAMESPACE } from '../memory/memories.ts'
import type { Evidence, MemoryUse } from '../memory/evidence.ts'
import type { MemoryMode } from '../memory/memory-mode.ts'
import type { TurnMemories } from '../memory/told.ts'
import type { SecondReading } from '../second-reading.ts'
import type { MemoryHit } from '../store/memory-calls.ts'
import type { NotedTurn } from './notes.ts'
import type { PastTurn } from './past-turns.ts'

interface MemoryFields {
  readonly store?: boolean | null | undefined
  readonly metadata?: unknown
  readonly safety_identifier?: unknown
  readonly mneme?:
    | {
        readonly memory?:
          | {
              readonly mode?: MemoryMode | null | undefined
              readonly namespace?: string | null | undefined
              readonly user_id?: string | null | undefined
              readonly pin?: boolean | null | undefined
            }
          | null
          | undefined
      }
    | null
    | undefined
}

/** `server`: what the configuration allows; a request cannot ask for more. `stored`: whether the turn itself is kept. */
export function memoryUse(request: MemoryFields, server: MemoryMode, stored: boolean): MemoryUse {
  const { memory } = request.mneme ?? {}
  const asked = memory?.mode ?? 'on'
  const user = memory?.user_id ?? userIn(request.metadata) ?? labelOf(request.safety_identifier)
  return {
    read: server !== 'off' && asked !== 'off',
    write: server === 'on' && asked === 'on' && stored,
    namespace: memory?.namespace ?? DEFAULT_NAMESPACE,
    user,
    pin: memory?.pin ?? false,
  }
}

function userIn(metadata: unknown): string | null {
  return typeof metadata === 'object' && metadata !== null
    ? labelOf((metadata as Record<string, unknown>)['user_id'])
    : null
}

function labelOf(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null
}

/** What memories did in a turn, as its usage tells it; null where they were not looked at. */
export function memoryReport(
  evidence: Evidence | null,
  turns: readonly PastTurn[],
  noted: NotedTurn | null,
  again: SecondReading | null,
  told: TurnMemories | null,
): Record<string, unknown> | null {
  if (!evidence && !told) return null
  return {
    gates: { semantic: evidence && gateOf(evidence, noted) },
    entries: noted && evidence ? evidence.entries.map(entryOf) : [],
    turns: noted ? turns.map(turnOf) : [],
    notes: noted && { place: noted.place, tokens: noted.tokens },
    second_reading: again && { tokens: again.computed },
    writes: told !== null && !told.isAway,
    written: told?.written.map(({ id }) => id) ?? [],
    ended: told?.ended.map(({ id }) => id) ?? [],
    ...(evidence?.isAway || told?.isAway ? { unavailable: true } : {}),
  }
}

/** Whether what a stored turn told was remembered. */
export function isRemembered(document: string): boolean {
  const { response } = JSON.parse(document) as { response: { usage?: { mneme?: { memory?: { writes?: boolean } } } } }
  return response.usage?.mneme?.memory?.writes === true
}

function gateOf({ gate }: Evidence, noted: NotedTurn | null): Record<string, unknown> {
  const { open, forced, candidates, overlap, similarity, topic, answer } = gate
  return { open: open && noted !== null, forced, candidates, overlap, similarity, topic, answer }
}

function turnOf({ response, score, words, similarity }: PastTurn): Record<string, unknown> {
  return { response_id: response, score, word_score: words, similarity }
}

function entryOf({ memory, score, words, similarity, topic }: MemoryHit): Record<string, unknown> {
  return { id: memory.id, score, word_score: words, similarity, topic_score: topic }
}
