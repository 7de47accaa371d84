/** Whether a sentence still answers a question though a later one has changed it: "who is she marrying?", once the day has moved. */

/** What a reader says of both, as logarithms of odds that they answer. */
export interface BothRead {
  /** Of the sentence that was told first. */
  readonly was: number
  /** Of the later one, beside it. */
  readonly is: number
}

/** By how much more surely the first one answers. */
const MUCH_SURER = 3

/** `most`: odds of the later one up to which it is no answer. */
export const stillAnswers = ({ was, is }: BothRead, most: number): boolean => is <= Math.min(most, was - MUCH_SURER)
