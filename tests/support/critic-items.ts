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
