/** What stays of a sentence when one of the things that it tells is taken back: it is not shown with what was forgotten. */
import { withoutStale } from '../critic/shown-sentence.ts'
import type { Memory } from '../store/memory-calls.ts'
import { factSentence } from './recall/read-as.ts'

/** A memory that still holds, and its text without what was taken back. */
export interface Cut {
  readonly memory: Memory
  readonly text: string
}

/**
 * "My landlord is Mr. Okafor, his number is 555-0199", after "forget my landlord's number": the first half. `facts`: those that
 * held before; `takenBack` are of them, and so are all that have `ended`.
 */
export function withoutTakenBack(
  facts: readonly Memory[],
  takenBack: readonly Memory[],
  ended: readonly Memory[],
): Cut[] {
  const over = new Set(ended.map(({ id }) => id))
  return facts.flatMap((memory): Cut[] => {
    const { id, text, fact } = memory
    const values = takenBack.filter((one) => one.text === text).flatMap((one) => one.fact?.value ?? [])
    if (fact === null || over.has(id) || values.length === 0) return []
    const part = withoutStale(text, fact.value, values)
    return [{ memory, text: part === fact.value ? factSentence(fact) : part }]
  })
}
