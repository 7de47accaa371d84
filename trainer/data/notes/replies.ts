/** The base model's own replies to plain prompts (write-replies.ts), as an adapter is to go on giving them. */
import { ownLines } from '../own-lines.ts'

export interface PlainReply {
  readonly prompt: string
  readonly reply: string
  /** Whether the model ended the reply itself; else it was cut. */
  readonly ends: boolean
}

/** In the package. */
export const repliesFile = 'trainer/data/notes/replies.jsonl'

/** Reads replies.jsonl. */
export const readReplies = (): readonly PlainReply[] => ownLines(repliesFile)
