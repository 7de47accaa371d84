/** The special tokens with which a chat template ends a message. */
import { TextError } from './errors.ts'
import type { Vocabulary } from './vocabulary.ts'

/** No template and no special token contains this text. */
const CONTENT = 'qzqz'

type Role = 'system' | 'user' | 'assistant'
type ApplyTemplate = (messages: readonly { role: Role; content: string }[]) => readonly number[]

// Every role ends a message; one conversation is for templates that take no system message.
const SAMPLES: readonly (readonly Role[])[] = [
  ['system', 'user', 'assistant', 'user'],
  ['user', 'assistant', 'user'],
]

/** The function behind TextCodec.messageEnds; `apply` gives the ids of messages. */
export function messageEnds(apply: ApplyTemplate, vocabulary: Vocabulary): number[] {
  const ends = new Set<number>()
  for (const roles of SAMPLES) for (const id of endsIn(idsOf(apply, roles), vocabulary)) ends.add(id)
  return [...ends]
}

/** The special tokens that follow a text with a content in it. */
function endsIn(ids: readonly number[], vocabulary: Vocabulary): number[] {
  const ends: number[] = []
  let start = 0
  for (const [at, id] of ids.entries()) {
    if (!vocabulary.isSpecial(id)) continue
    if (vocabulary.decode(ids.slice(start, at)).includes(CONTENT)) ends.push(id)
    start = at + 1
  }
  return ends
}

/** Nothing where the template refuses these roles, or where there is none. */
function idsOf(apply: ApplyTemplate, roles: readonly Role[]): readonly number[] {
  try {
    return apply(roles.map((role) => ({ role, content: CONTENT })))
  } catch (error) {
    if (error instanceof TextError) return []
    throw error
  }
}
