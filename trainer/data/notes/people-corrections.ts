/** What people told, what they said later that changes it, a question, and the reply that was written for it. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { packageRoot } from '../../../runtime/package.ts'
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

/** The file is not compiled: it lies where the sources do. */
const FILE = join(packageRoot(), 'trainer/data/notes/people-corrections.jsonl')

let read: readonly PeopleCorrection[] | undefined

/** The corrections that are trained on, or those kept aside. */
export function peopleCorrections(part: Part): readonly PeopleCorrection[] {
  read ??= readFileSync(FILE, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as PeopleCorrection)
  return read.filter(({ told }) => partOf(told) === part)
}
