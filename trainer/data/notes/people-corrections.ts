/** What people told, what they said later that changes it, a question, and the reply that was written for it. */
import { ownLines } from '../own-lines.ts'
import { partOf } from '../sentences/people.ts'
import type { Part } from './values.ts'

export interface PeopleCorrection {
  readonly told: string
  /** Said later. */
  readonly then: string
  readonly ask: string
  /** What holds now, and nothing of what was told first. */
  readonly reply: string
}

let read: readonly PeopleCorrection[] | undefined

/** The corrections that are trained on, or those kept aside. */
export function peopleCorrections(part: Part): readonly PeopleCorrection[] {
  read ??= ownLines('trainer/data/notes/people-corrections.jsonl')
  return read.filter(({ told }) => partOf(told) === part)
}
