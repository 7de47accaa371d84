/** What people told of one subject in three messages, with questions that one of them answers and questions that none does. */
import type { Part } from '../notes/values.ts'
import { ownLines } from '../own-lines.ts'
import { partOf } from './people.ts'

export interface SubjectLine {
  readonly tells: readonly string[]
  /** `at`: which message answers. */
  readonly asks: readonly { readonly at: number; readonly q: string }[]
  /** Questions about the subject that no message answers. */
  readonly never: readonly string[]
  /** What is told later in the place of the message `at`, and what it answers. */
  readonly change: Change
  /** More of these. */
  readonly changes?: readonly Change[]
  /** What is told later, looks like a change of the message `at` and leaves it true. */
  readonly stays?: readonly { readonly at: number; readonly says: string }[]
}

interface Change {
  readonly at: number
  readonly says: string
  readonly q: string
  /** What the message `at` answers after it as well, and it does not. */
  readonly still?: readonly string[]
}

/** All that is told later in the place of a message. */
export const changesOf = ({ change, changes = [] }: SubjectLine): readonly Change[] => [change, ...changes]

/** All questions that the message `at` answers. */
export const asksAt = (line: SubjectLine, at: number): readonly string[] => [
  ...line.asks.filter((one) => one.at === at).map(({ q }) => q),
  ...changesOf(line).flatMap((change) => (change.at === at ? (change.still ?? []) : [])),
]

let read: readonly SubjectLine[] | undefined

/** The lines of subjects.jsonl that are trained on, or those kept aside. A line stays in its part when others are added. */
export function subjectLines(part: Part): readonly SubjectLine[] {
  read ??= ownLines('trainer/data/sentences/subjects.jsonl')
  return read.filter(({ tells }) => partOf(tells[0]!) === part)
}
