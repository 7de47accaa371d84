/** A reply's sentence turned to the user's side, so that the rules which read tellings read what it claims. */

const LEAD =
  /^(?:(?:sure(?: thing)?|ok(?:ay)?|of course|certainly|absolutely|yes|yeah|yep|no|nope|right|great|alright|well|sorry|i'm sorry|i am sorry|i apologi[sz]e|apologies|got it|noted|so|actually|hmm|oh|as (?:far as i (?:know|remember)|you (?:said|told me|mentioned))|(?:from|based on|according to) (?:what you(?:'ve)? (?:said|told me|mentioned|shared)|my (?:notes|memory)|(?:the|your) notes|our (?:earlier )?conversations?)|if i remember (?:correctly|right)|i (?:still )?(?:remember|recall|believe|think)(?: that)?|(?:i(?:'ll| will) (?:remember|note|keep in mind|make a note)|i(?:'ve| have) (?:noted|saved))(?: that)?|(?:earlier,? )?you(?:'ve| have)? (?:already )?(?:told me|said|mentioned|shared)(?: (?:earlier|before))?(?: that)?|(?:my|the) notes say(?: that)?|the answer is)(?=[\s,.:;!–—-])[\s,.:;!–—-]*){1,5}/iu
const GREETING =
  /^(?:hello|hi|hey|good (?:morning|afternoon|evening|night)|welcome(?: back)?|thanks|thank you)\b[^.!?]*[.!?]*$/iu

const OTHER_SIDE: Readonly<Record<string, string>> = {
  your: 'my',
  yours: 'mine',
  yourself: 'myself',
  "you're": "I'm",
  "you've": "I've",
  "you'd": "I'd",
  "you'll": "I'll",
  my: 'your',
  mine: 'yours',
  me: 'you',
  i: 'you',
  "i'm": "you're",
  "i've": "you've",
  "i'll": "you'll",
  "i'd": "you'd",
}
/** Verbs before "you" that have it as their object. */
const OBJECT_BEFORE =
  /\b(?:call|calls|called|reach|tell|told|to|for|with|of|by|at|about|from|gave|give|gives|love|loves)\s+$/iu

/** The sentence without what only leads to it: "Sure, you told me that ...". */
export function withoutLead(sentence: string): string {
  const plain = sentence.replaceAll(/[’‘ʼ`´]/gu, "'")
  if (GREETING.test(plain)) return ''
  const bare = plain.replace(LEAD, '').trim()
  return bare.replace(/^(?:that|it's that)\s(?=(?:your?|you're)\b)/iu, '')
}

/** True where a sentence is about the user: it says "you" or "your". */
export function isToUser(sentence: string): boolean {
  return /\b(?:you|your|yours|you're|you've|you'd)\b/iu.test(sentence)
}

/** "Your code is 4071" as the user would say it. What the reply says about itself is turned away from the user. */
export function inFirstPerson(sentence: string): string {
  // "I'll call you Jo" is what the user asked for.
  const calling = sentence.replace(/^i(?:'ll| will)(?: always)? (?=call you\b)/iu, '')
  const turned = calling.replaceAll(
    // Words that stand alone: "me-07" is a value.
    /(?<![\p{L}\p{N}@._-])(?:you(?:r|rs|rself|'re|'ve|'d|'ll)?|my|mine|me|i(?:'m|'ve|'ll|'d)?)(?![\p{L}\p{N}@_-])/giu,
    (word, at: number) => {
      const lower = word.toLowerCase()
      if (lower !== 'you') return OTHER_SIDE[lower] ?? word
      return OBJECT_BEFORE.test(calling.slice(Math.max(0, at - 16), at)) ? 'me' : 'I'
    },
  )
  return turned.replaceAll(/\bI are\b/gu, 'I am').replaceAll(/\bI were\b/gu, 'I was')
}

/** What a question of the user asks about is named to them: "your locker code", "your sister's name". */
export function inSecondPerson(topic: { readonly subject: string; readonly attribute: string }): string {
  const attribute = ATTRIBUTES.get(topic.attribute) ?? topic.attribute
  if (topic.subject === 'user') return `your ${attribute}`
  const owner = topic.subject.startsWith('the ') ? topic.subject : `your ${topic.subject}`
  return `${owner}'${owner.endsWith('s') ? '' : 's'} ${attribute}`
}

/** Attributes whose names are no nouns that one says with "your". */
const ATTRIBUTES: ReadonlyMap<string, string> = new Map([
  ['cannot eat', 'food restrictions'],
  ['owns', 'belongings'],
])
