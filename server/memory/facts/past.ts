/** What is told of another time does not take the place of what is so now. */

/** "I was a teacher for ten years", "before that we used to live in Graz". */
const WAS =
  /^(?:(?:and|but|so|also|oh|btw|before(?: that)?|back then|years ago|once|long ago)[\s,]+)*(?:i|we|he|she|they|(?:my|our) \p{L}+(?: \p{L}+)?) (?:(?:was|were|had been)(?= an? )|used to\b)/iu
const REVISES = /\b(?:actually|sorry|wrong|meant|mean|mistaken?|correction|never|not|no)\b|n['’]t\b/iu
const IS = /\b(?:am|is|are)\b|['’](?:m|s|re)\b|\b(?:works?|lives?) (?:as|at|for|in)\b/iu

/** Whether `next` says how it was once, and `said` how it is. */
export function isOfAnotherTime(said: string, next: string): boolean {
  return WAS.test(next) && !REVISES.test(next) && IS.test(said)
}

/** Whether a sentence says that a value was one once: "we used to live in Graz". */
export function wasOnce(value: string, sentence: string): boolean {
  return /\bused to\b(?:(?!\b(?:now|but)\b)[^,;.!?])*$/iu.test(sentence.slice(0, sentence.indexOf(value)))
}
