import { latest } from '../../server/memory/facts/supersede.ts'
import { toldBy } from '../../server/memory/facts/told-by.ts'
import type { CriticItem } from './critic-pairs.ts'

/** Items of a file with one a line; a fact holds unless the line says otherwise. */
export function readCriticItems(text: string): CriticItem[] {
  return text
    .trim()
    .split('\n')
    .map((line) => {
      const item = JSON.parse(line) as CriticItem
      return {
        ...item,
        facts: item.facts.map((fact, at) => ({ ...fact, id: `f${at + 1}`, holds: fact.holds ?? true })),
      }
    })
}

/** The item with the facts that the rules of memory read in the user's sentences, in the place of those written beside them. */
export function withReadFacts(item: CriticItem): CriticItem {
  const read = item.facts.flatMap(({ text }) => toldBy(text).facts.map((fact) => ({ ...fact, text })))
  const holding = new Set(latest(read))
  const facts = read
    .filter(({ kind }) => kind !== 'withdrawn')
    .map((fact, at) => {
      const { subject, attribute, value, text } = fact
      return { id: `f${at + 1}`, subject, attribute, value, text, holds: holding.has(fact) }
    })
  return { ...item, facts }
}
