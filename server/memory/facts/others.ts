/** Whether a sentence is about somebody else's things, or about what happens in a story: none of it is told of the user. */

const SAID = /^(?<who>.{2,40}?) (?:said|says|told (?:me|us)|mentioned) (?:that )?(?:their|his|her|its)\b/iu
const HEARD =
  /\b(?:heard|read|know) that (?:(?:the|that|an?|some) )?(?<who>(?!(?:i|we|you|it|they|he|she|there)\b)\p{L}+(?: \p{L}+){0,2}) (?:has|have|had)\b/iu
const STORY =
  /\bin (?:the|a|that) (?:film|movie|novel|story|book|game|series|dream|play), (?:the |a )?(?<who>\p{L}+)(?:'s)? /iu

/** The one whom a sentence is about, as it is called there; null where it may be about the user. */
export function otherIn(words: string): string | null {
  for (const form of [SAID, HEARD, STORY]) {
    const who = form.exec(words)?.groups?.['who']
    if (who !== undefined && !/\b(?:my|our)\b/iu.test(who)) return who.toLowerCase()
  }
  return null
}

export const isOfOthers = (words: string): boolean => otherIn(words) !== null
