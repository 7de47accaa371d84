/** What is found once for the lines that are trained on, and once for those kept aside. */
import type { Part } from './notes/values.ts'

export function byPart<T>(find: (part: Part) => T): (part: Part) => T {
  const found = new Map<Part, T>()
  return (part) => {
    if (!found.has(part)) found.set(part, find(part))
    return found.get(part) as T
  }
}
