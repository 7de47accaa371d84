/** What people told an assistant, in their own words, with questions that it answers and questions that it does not. */
import { hashText } from '../../random.ts'
import type { Part } from '../notes/values.ts'
import { ownLines } from '../own-lines.ts'

export interface PeopleLine {
  readonly told: string
  /** Questions that `told` answers. */
  readonly asks: readonly string[]
  /** Questions about the same person or thing that `told` does not answer. */
  readonly near: readonly string[]
  /** A reply to each of `asks`, and one to each of `near`. */
  readonly replies?: readonly string[]
  readonly denials?: readonly string[]
}

/** One line in so many is kept aside for measuring. */
const KEPT_ASIDE = 10

let read: readonly PeopleLine[] | undefined

/** The lines of people.jsonl that are trained on, or those kept aside. A line stays in its part when others are added. */
export function peopleLines(part: Part): readonly PeopleLine[] {
  read ??= ownLines('trainer/data/sentences/people.jsonl')
  return read.filter(({ told }) => partOf(told) === part)
}

/** Where a telling is put. */
export const partOf = (told: string): Part => (hashText(told) % KEPT_ASIDE === 0 ? 'heldout' : 'train')

/** All texts of a line. */
export const textsOfLine = ({ told, asks, near }: PeopleLine): readonly string[] => [told, ...asks, ...near]
