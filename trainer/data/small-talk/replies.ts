/** The replies to small talk, and what is said where only the kind of a message is sure (replies.json). */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { packageRoot } from '../../../runtime/package.ts'

interface Kind {
  /** Fits every message of the kind. */
  readonly general: string
  readonly replies: readonly string[]
}

/** All replies; the number of one is its label. */
export const smallTalkReplies = (): string[] => readKinds().flatMap(({ replies }) => replies)

/** The general reply of each label's kind. */
export const generalReplies = (): string[] => readKinds().flatMap(({ general, replies }) => replies.map(() => general))

const readKinds = (): Kind[] =>
  JSON.parse(readFileSync(join(packageRoot(), 'trainer/data/small-talk/replies.json'), 'utf8')) as Kind[]
