/** What a reader says of two texts of a user: whether the second answers the first, or has taken its place. */

import { z } from 'zod'

/** The labels of a reader's classifier: of a question and what was told, and of what was told and what was told later. */
export const READER_LABELS = ['answers', 'answers not', 'replaces', 'replaces not'] as const
export type ReaderLabel = (typeof READER_LABELS)[number]

/** The entry `reader` of a manifest: by what the logits are divided, so that odds mean what they say (Guo et al. 2017, arXiv 1706.04599). */
export const readerEntry = z.object({ temperature: z.number().positive() })

/** Whether a classifier of pairs is a reader. */
export const isReader = (labels: readonly string[]): boolean => labels.join() === READER_LABELS.join()

/** What was told as a reader reads it; `before`: what it leans on, as "she" does on what was told just before; or none. */
export const toldText = (text: string, before: string): string => (before === '' ? text : `${text} (before: ${before})`)

/** Logarithms of odds. */
export interface Read {
  readonly answers: number
  readonly replaces: number
}

/** From the logits of the labels. */
export const readOf = (logits: ArrayLike<number>, temperature = 1): Read => ({
  answers: (logits[0]! - logits[1]!) / temperature,
  replaces: (logits[2]! - logits[3]!) / temperature,
})
