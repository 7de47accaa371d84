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
 * "My landlord is Mr. Okafor, his number is 555-0199", after "forget my landlord's number": the first half. `held`: facts that
 * hold, `gone`: those that were taken back.
 */
export function withoutTakenBack(held: readonly Memory[], gone: readonly Memory[]): Cut[] {
  return held.flatMap((memory): Cut[] => {
    const { text, fact } = memory
    const beside = gone.filter((one) => one.text === text && one.id !== memory.id)
    const values = beside.flatMap((one) => one.fact?.value ?? [])
    if (fact === null || values.length === 0) return []
    const part = withoutStale(text, fact.value, values)
    return [{ memory, text: part === fact.value ? factSentence(fact) : part }]
  })
}
