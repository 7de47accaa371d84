/** Sentences that tell something of their own and so correct nothing before them: "I listen to Taer all day now". */
import { areAlike } from '../recall/related-words.ts'
import { isCommon, stem } from '../search-words.ts'
import { wordsOf } from '../words.ts'
import { opened } from './clauses.ts'
import { plainOf } from './plain.ts'
import { OWN_NOUNS, spelled } from './vocabulary.ts'

/** Words that stand for something said before. */
const BACK =
  /\b(?:it|its|it's|that|that's|them|they|they're|he|he's|she|she's|his|her|him|this|those|there|one|ones)\b/iu
/** "And I am happy about it" stands for what was just said. */
const SECOND = /,? (?:and|but|so) (?:i|we) .*$/iu
/** "I'm flying with", "we sleep at", "I get up at"; of "I'm at Halden Marine now" and "I moved it" it depends on what was said before. */
const OWN_VERB =
  /^(?:i|we)(?:(?:'m|'re| am| are)(?: \p{L}+ly)? \p{L}+ing\b(?! (?:now|instead))|(?:'ve| have)? (?!(?:mean|meant|said|had|have|got|chang\p{L}+|switch\p{L}*|moved?|swap\p{L}*|quit|left|said|made|gave|told|was|were|am|are|will|would|can|could|should|prefer|use|used|take|took|want|need|think|guess|just|now|actually|really)\b)\p{L}+\b)/iu
/** "Use Silva for the pharmacy", "the landing is at 5": what it is about. */
const OWN_NOUN =
  /\b(?:for|as|of) (?:the|my|our) (?<np>\p{L}+(?: \p{L}+)?)[\s.!]*(?:now)?[\s.!]*$|^(?:the|my|our) (?<subject>\p{L}+(?: \p{L}+)?) (?:is|are|was|were|has|have|=)\b/iu

/** They say that something changed, and not what. */
const OF_CHANGE =
  /^(?:now|nowadays|today|no|wait|actually|correction|update|again|wrong|days?|time|date|number|name|type|order|size|room|address)$/u

/** Whether a sentence with a new value is of something else than what was told: it shares no word with that, and names or does something of its own. */
export function isOfItsOwn(text: string, value: string, told: string, old: string): boolean {
  const plain = plainOf(text)
  const said = plain.slice(opened(plain, { start: 0, end: plain.length }).start)
  const rest = wordsOf(said.replace(value, ' ')).map(spelled)
  const known = new Set(wordsOf(`${told} ${old}`).map((word) => stem(spelled(word))))
  const isKnown = (word: string): boolean =>
    known.has(stem(word)) || [...known].some((one) => areAlike(one, stem(word)))
  if (wordsOf(old).some((word) => !isCommon(word) && rest.includes(word))) return false
  if (rest.some((word) => OWN_NOUNS.has(word) && !OF_CHANGE.test(word) && !isKnown(word))) return true
  if (BACK.test(said.replace(SECOND, ''))) return false
  if (rest.some((word) => !isCommon(word) && !OF_CHANGE.test(word) && isKnown(word))) return false
  const noun = OWN_NOUN.exec(said)?.groups
  return OWN_VERB.test(said) || (noun?.['np'] ?? noun?.['subject']) !== undefined
}
