/** What people told, each message beside the questions that it answers and near ones that it does not. */
import type { Part } from '../notes/values.ts'
import { peopleLines, textsOfLine } from './people.ts'
import { asksAt, subjectLines, type SubjectLine } from './subjects.ts'

export interface Telling {
  readonly told: string
  /** What was told of the subject just before; or none. */
  readonly before: string
  /** What else was told of the subject and answers none of `asks`. */
  readonly beside: readonly string[]
  readonly asks: readonly string[]
  /** Questions about the same subject that it does not answer. */
  readonly near: readonly string[]
  /** All texts of the subject. */
  readonly texts: readonly string[]
}

/** Those that are trained on, or those kept aside. */
export function tellings(part: Part): readonly Telling[] {
  const people = peopleLines(part).map((line): Telling => {
    const { told, asks, near } = line
    return { told, before: '', beside: [], asks, near, texts: textsOfLine(line) }
  })
  return [...people, ...subjectLines(part).flatMap(tellingsOf)]
}

/** Each message of a subject; what changes one is understood beside it only. */
function tellingsOf(line: SubjectLine): Telling[] {
  const { tells, never } = line
  const asks = tells.map((_, at) => asksAt(line, at))
  const texts = [...tells, ...asks.flat(), ...never]
  return tells.map((told, at): Telling => {
    const others = asks.filter((_, other) => other !== at).flat()
    return {
      told,
      before: tells[at - 1] ?? '',
      beside: tells.filter((_, other) => other !== at),
      asks: asks[at]!,
      near: [...others, ...never],
      texts,
    }
  })
}
