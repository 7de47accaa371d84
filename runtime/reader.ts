/** What a reader says of two texts of a user: whether the second answers the first, or has taken its place. */

/** The labels of a reader's classifier: of a question and what was told, and of what was told and what was told later. */
export const READER_LABELS = ['answers', 'answers not', 'replaces', 'replaces not'] as const
export type ReaderLabel = (typeof READER_LABELS)[number]

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
export const readOf = (logits: ArrayLike<number>): Read => ({
  answers: logits[0]! - logits[1]!,
  replaces: logits[2]! - logits[3]!,
})
