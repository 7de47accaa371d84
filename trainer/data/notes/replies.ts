/** The base model's own replies to plain prompts (write-replies.ts), as an adapter is to go on giving them. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { packageRoot } from '../../../runtime/package.ts'

export interface PlainReply {
  readonly prompt: string
  readonly reply: string
  /** Whether the model ended the reply itself; else it was cut. */
  readonly ends: boolean
}

/** The file is not compiled: it lies where the sources do. */
export const repliesFile = join(packageRoot(), 'trainer/data/notes/replies.jsonl')

/** Reads replies.jsonl. */
export const readReplies = (): readonly PlainReply[] =>
  readFileSync(repliesFile, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as PlainReply)
