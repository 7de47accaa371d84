/** When an answer counts, and what a guess would get. */
import type { Fact } from '../data/keeper/chat.ts'
import { setSize } from '../data/keeper/values.ts'

/** Whether a reply holds the value as words of its own (47 is not in 4711). */
export function holdsValue(reply: string, value: string): boolean {
  const inWord = /[\p{L}\p{N}]/u
  for (let at = reply.indexOf(value); at !== -1; at = reply.indexOf(value, at + 1)) {
    const [before, after] = [reply[at - 1] ?? ' ', reply[at + value.length] ?? ' ']
    if (!inWord.test(before) && !inWord.test(after)) return true
  }
  return false
}

/** Whether a reply says that the assistant does not know. */
export function admitsIgnorance(reply: string): boolean {
  return /\b(?:don't|do not) know\b|\bnot told me\b/i.test(reply)
}

/** How often a guess is right: one among the values of that kind told in the conversation, and one among all there are. */
export function chanceOf(fact: Fact, told: readonly Fact[]): { readonly told: number; readonly set: number } {
  const alike = told.filter(({ attribute }) => attribute.kind === fact.attribute.kind).length
  return { told: 1 / Math.max(1, alike), set: 1 / setSize(fact.attribute.kind) }
}
