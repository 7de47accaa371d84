/** What is told of another time does not take the place of what is so now. */

const OPENING = '(?:(?:and|but|so|also|oh|btw|before(?: that)?|back then|years ago|once|long ago)[\\s,]+)*'
const WHO = '(?:i|we|he|she|they|(?:my|our) \\p{L}+(?: \\p{L}+)?)'
const THEN =
  '\\b(?:before(?: that)?[\\s.!]*$|(?:for (?:\\p{L}+ |\\d+ )*(?:days|weeks|months|years|ages)|back then|years ago|as an? (?:kid|child|boy|girl|teenager|student)|when (?:i|we|he|she) (?:was|were))\\b)'
/** "I was a teacher", "before that we used to live in Graz", "I lived there for two years", "I was vegan back then". */
const WAS = new RegExp(
  `^${OPENING}${WHO} (?:(?:was|were|had been)(?= an? )|used to\\b|(?:was|were|had|lived|worked|studied|played)\\b(?=.*${THEN}))`,
  'iu',
)
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
