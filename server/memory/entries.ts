/** Which of the memories that were found fit into what a reply reads. */
import type { Memory, MemoryHit } from '../store/memory-calls.ts'
import { otherIn } from './facts/others.ts'
import { contentWords } from './relevance.ts'
import { wordsOf } from './words.ts'

/** Entries that a reply reads at most, and their characters together. */
const MAX_ENTRIES = 6
const MAX_CHARACTERS = 2000

/** What was told of somebody else answers only what is asked about them. */
export function isOfAnother({ text, fact }: Memory, message: string): boolean {
  const other = fact === null ? otherIn(text) : null
  const asked = new Set(wordsOf(message))
  return other !== null && ![...contentWords(other)].some((word) => asked.has(word))
}

/** Whether two of the entries give one topic different values. */
export function hasConflict(entries: readonly MemoryHit[]): boolean {
  const values = new Map<string, string>()
  return entries.some(({ memory: { fact } }) => {
    if (!fact) return false
    const topic = `${fact.subject}\n${fact.attribute}`
    const before = values.get(topic)
    values.set(topic, fact.value)
    return before !== undefined && before !== fact.value
  })
}

/**
 * The best that fit, oldest first: of two that contradict each other the later one is read last. A sentence that says
 * several facts is read once.
 */
export function withinBudget(hits: readonly MemoryHit[]): MemoryHit[] {
  const kept: MemoryHit[] = []
  let characters = 0
  for (const hit of hits) {
    if (kept.some(({ memory }) => memory.text === hit.memory.text)) continue
    characters += hit.memory.text.length
    if (kept.length === MAX_ENTRIES || characters > MAX_CHARACTERS) break
    kept.push(hit)
  }
  return kept.toSorted((a, b) => a.memory.created - b.memory.created)
}
