import type { Span } from './values.ts'
import { OWN_NOUNS } from './vocabulary.ts'

/** Words with which a clause begins that tells something of its own. */
const STARTER =
  "(?:i|i'?m|i'?ve|i'?d|i'?ll|my|we|we're|we've|our|he|he's|she|she's|they|they're|it's|his|her|their|you can|the name of|everyone|name's|not a|forget)(?=[\\s'])"
const PARTICIPLE =
  '(?:living|based|working|studying|currently|originally|moved|born|allergic to|married to|turned|who|he|she)(?=\\s)'
const VERB = "(?:am|was|live|work|speak|drive|play|study|have|love|like|hate|prefer|moved|grew|can't)(?=\\s)"
const BOUNDARY = new RegExp(
  `\\s*[,;–—…]\\s*(?:(?:and|but|so|also|plus|then|because)\\s+)?(?=${STARTER})` +
    `|\\s+(?:-+|and|but|so|also|plus|because|cause|although|though|while|whereas)\\s+(?:also\\s+)?(?=${STARTER})` +
    `|,\\s+(?:and\\s+)?(?=${PARTICIPLE})|\\s+and\\s+(?=${VERB})|\\s*[;…]\\s+|\\.{2,3}\\s+|[?!]\\s+(?=my\\s)`,
  'giu',
)
const MAX_CLAUSES = 12

/** The clauses of a sentence, as places in the message. */
export function clausesOf(plain: string, sentence: Span): Span[] {
  const text = plain.slice(sentence.start, sentence.end)
  const clauses: Span[] = []
  let at = 0
  for (const found of text.matchAll(BOUNDARY)) {
    if (clauses.length >= MAX_CLAUSES) break
    const [before, after] = [text.slice(at, found.index), text.slice(found.index)]
    if (isNamedAfter(before, after) || (AS_FOR.test(before) && /^,\s+it\b/iu.test(after))) continue
    if (found.index > at) clauses.push({ start: sentence.start + at, end: sentence.start + found.index })
    at = found.index + found[0].length
  }
  clauses.push({ start: sentence.start + at, end: sentence.end })
  return clauses
}

/** "When it comes to my age, it is 34" is one clause. */
const AS_FOR = /\b(?:as for|when it comes to|regarding|concerning) (?:my|our|the) [^,;]{1,60}$/iu
const IT_IS = /\bit(?:'s| is) (?<value>[^,;]{1,80})$/iu
const OWN_NOUN = /^,\s+(?:my|our) (?<np>[\p{L}\p{N}'’-]+(?: [\p{L}\p{N}'’-]+){0,3})(?:[^\p{L}\p{N}'’ -]|$)/iu

/** "It is 4071, my locker code" is one clause; "it's late, my dog wants out" is two. */
function isNamedAfter(before: string, after: string): boolean {
  const value = IT_IS.exec(before)?.groups?.['value']
  const phrase = OWN_NOUN.exec(after)?.groups?.['np']
  if (value === undefined || phrase === undefined) return false
  if (/^favou?rite /iu.test(phrase)) return true
  return /[\d\p{Lu}@]/u.test(value) || /['’]s /u.test(phrase) || OWN_NOUNS.has(phrase.split(' ').at(-1)!.toLowerCase())
}

const OPENER =
  /^(?:(?:btw|fyi|ps|oh|ah|um+|uh+|hm+|and|also|so|well|but|plus|hey(?: there)?|hi(?: there)?|hello|hiya|yo|morning|good (?:morning|evening|afternoon)|evening|ok(?:ay)?|alright|anyway|yeah|yes|yep|yup|right|look|listen|honestly|seriously|quick (?:thing|note|one|intro|update)|little update|update|just so you know|so you know|for (?:the|your) (?:record|reference|info(?:rmation)?)|by the way|as (?:i (?:said|told you)|you know)|in case (?:you (?:wonder|were wondering|need it)|it matters)|fun fact|small thing|one (?:more )?thing|before i forget|thanks|thank you|cool|great|nice|lol|haha|guess what|you know what|i think|i believe|i guess|i should (?:say|mention|add) that|(?:today |yesterday )?i (?:just )?(?:learned|learnt|found out|heard) that|i'?d like you to know that|you should know(?: that)?|did i (?:mention|tell you)(?: that)?|turns out|the thing is|to be honest|tbh|in my free time|personally|these days|nowadays|at the moment|currently|right now|now|today|recently|lately|just|got married|good news|big news|news|first off|for starters|basically|since you ask(?:ed)?|as of (?:today|now|this \p{L}+)|from (?:now|today) on|starting (?:today|now)|for (?:a few|some|several|\d+) (?:days|weeks|months|years) now)(?:[\s,.:!;–—-]+|$)|[\s,.:!;–—-]+)/iu
const CORRECTING =
  /^(?:actually|no|nope|nah|not quite|wait|no wait|wait no|hold on|hang on|sorry|oops|whoops|ups|correction|scratch that|i mean|i meant|my mistake|my bad|i (?:got|had) (?:that|it) wrong|i misspoke|i made a (?:mistake|typo)|typo|that'?s (?:wrong|not right|incorrect|not correct)|(?:that|this) (?:was|is) (?:wrong|a mistake|a typo|outdated|not right)|change of plans?|(?:i )?changed my mind|strike that|let me correct (?:that|myself)|to correct myself|small correction|you(?:'ve| have)? got (?:that|it) wrong|not anymore|small change|edit|i was (?:wrong|off|mistaken)|(?:you|i) (?:have|had|got|gave you) .{0,30}? (?:wrong|mixed up))(?:[\s,.:!;–—-]+|$)/iu
const REMEMBERING =
  /^(?:(?:please|can you|could you|pls|would you|will you|i want you to|i'?d like you to|you can|kindly)\s+)*(?:(?:remember|note(?: to self| down)?|keep in mind|bear in mind|save|store|make a note|memori[sz]e|write down|don'?t forget|do not forget|never forget|know|reminder|remind me|write (?:this|that|it) down|for your notes)(?: (?:this|it))?(?: for (?:me|later|next time))?(?:\s*[,:–—-]+\s*|\s+)(?:that\s+)?)/iu

export interface Opened {
  /** Where what is told begins. */
  readonly start: number
  readonly corrects: boolean
  /** The user asks to remember it. */
  readonly remembers: boolean
  readonly greets: boolean
}

/** What is left of a clause without its openers ("btw", "oh and", "actually, no"), and what they say. */
export function opened(plain: string, clause: Span): Opened {
  let { start } = clause
  let [corrects, remembers, greets] = [false, false, false]
  for (let i = 0; i < 10; i++) {
    const text = plain.slice(start, Math.min(clause.end, start + 120))
    const remembering = REMEMBERING.exec(text)
    const correcting = remembering === null ? CORRECTING.exec(text) : null
    const found = remembering ?? correcting ?? OPENER.exec(text)
    if (found === null || found[0] === '' || start + found[0].length > clause.end) break
    remembers ||= remembering !== null
    corrects ||= correcting !== null
    greets ||= /^(?:hey|hi|hello|hiya|yo)\b/iu.test(found[0])
    start += found[0].length
  }
  return { start, corrects, remembers, greets }
}
