/** Sentences that have a word of a question and say nothing of what it asks: "we walked to the bank" for "what is my bank?". */
import { isCommon, stem } from '../search-words.ts'
import { wordsOf } from '../words.ts'
import { likeness } from './likeness.ts'
import type { Question } from './question.ts'
import { isKnownWord, meaningOf } from './word-vectors.ts'

/** How much of a word another one has to say to be it, and from which similarity of meaning on it is of its kind. */
const [SAME, OF_KIND] = [0.75, 0.4]
const OF_USER = /\b(?:i|i'?m|i'?ve|i'?d|i'?ll|me|my|mine|we|we'?re|we'?ve|us|our|ours)\b/iu
/** "The harbor was funny", "there is a new bank", "Hannah likes painting". */
const ABOUT_OTHERS =
  /^(?:(?:[Tt]he|[Aa]n?|[Tt]hat|[Tt]his|[Ss]ome|[Tt]hose|[Tt]here|[Ss]omebody|[Ss]omeone|[Nn]obody|[Cc]hildren|[Pp]eople) |\p{Lu}\p{Ll}+(?<!ing|ed) (?!(?:is|are|was)\b)\p{Ll}+ )(?!.*\d)/u
/** "The book has 857 pages" says how a thing is, not which one it is. */
const HAS = /^[Tt]he \p{L}+ (?:in \p{Lu}\p{L}+ )?(?:has|had|have|costs?) /u
/** "The bank is Sparda", "the plate: 4071": it says what the thing is. */
const EQUATES =
  /(?:\b(?:is|are|was|will be|should be|has to be|called|named)(?: now)?|[:=])\s+(?:an? |the |at |on |in )?[\p{Lu}\p{N}#@"“]/u
const OPENERS =
  /^(?:(?:you know|well|honestly|guess what|i think|so|today|yesterday|this morning|anyway|hmm|to be honest|oh|and|but|also|hey)[\s,:]+)+/iu
/** What somebody wants to do says of things that they have only that they have them. */
const PLAN = /^(?:i|we)(?:'d| would)? (?:want|wish|hope|like|plan|need) to\b/iu
const OF_PLANS: ReadonlySet<string> = new Set([
  'goal',
  'dream',
  'plan',
  'wish',
  'resolution',
  'job',
  'trip',
  'holiday',
  'vacation',
])
/** What stands after these says where something was, or what it was for. */
const PLACED =
  /\b(?:at|in|near|to|from|for|over|around|behind|outside|inside|into|past)\s+(?:the|an?|that|this|my|our)\s+(?:\p{L}+\s+)?$/iu
const ASKS_OF_PLACE: readonly string[] = ['at', 'in', 'near', 'to', 'from', 'for', 'by']

export function onlyMentions(question: Question, text: string): boolean {
  const said = text.replaceAll('’', "'").replace(OPENERS, '')
  const isOfOthers = !OF_USER.test(said) && ABOUT_OTHERS.test(said) && !EQUATES.test(said)
  if (question.wanted === null && (isOfOthers || HAS.test(said))) return true
  if (question.wanted === null && PLAN.test(said) && !question.focus.some((word) => OF_PLANS.has(word))) return true
  return isPlaceOnly(question, said) || lacksHead(question, said)
}

/** Every word that it shares with the question says where something was, or what it was for. */
function isPlaceOnly({ words, known }: Question, said: string): boolean {
  if (ASKS_OF_PLACE.some((word) => known.has(word))) return false
  const asked = [...words.keys()].flatMap((either) => either.split('|'))
  const shared = [...said.matchAll(/[\p{L}\p{N}'-]+/gu)].filter(({ 0: word }) => {
    const one = word.toLowerCase()
    return !isCommon(one) && asked.some((other) => likeness(other, one, stem(one)) >= SAME)
  })
  return shared.length > 0 && shared.every(({ index }) => PLACED.test(said.slice(0, index)))
}

/** "I fixed the shiny jacket" has no color, of which a jacket's is asked. */
function lacksHead({ wanted, focus }: Question, said: string): boolean {
  const head = focus.at(-1)
  if (wanted !== null || head === undefined || focus.length < 2) return false
  const words = wordsOf(said).filter((word) => !isCommon(word))
  if (words.some((word) => !isKnownWord(word) || likeness(head, word, stem(word)) >= SAME)) return false
  return !words.some((word) => meaningOf(head, word) >= OF_KIND && !focus.includes(word))
}
