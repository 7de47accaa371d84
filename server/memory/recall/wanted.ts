/** What kind of thing a question wants to hear, and whether a sentence has such a thing. */

export type Wanted = 'person' | 'name' | 'time' | 'place' | 'number' | 'phone' | 'email' | 'password'

const FORMS: readonly (readonly [RegExp, Wanted])[] = [
  [/\b(?:e-?mail|mail address)\b/iu, 'email'],
  [/\b(?:phone|mobile|cell|telephone) (?:number|no)\b|'s number\b|\bnumber of (?:my|the) (?:\p{L}+)$/iu, 'phone'],
  [/\b(?:password|passcode)\b/iu, 'password'],
  [
    /\bhow (?:much|many|old|tall|big|heavy|far|long|large|high|often)\b|\b(?:score|salary|price|dose|age|size)\b/iu,
    'number',
  ],
  [/\bwhen\b|\b(?:what|which) (?:time|day|date|year|month)\b|\b(?:birthday|deadline)\b/iu, 'time'],
  [/\bwho(?:m|se|'s)?\b(?! (?:do|does|did) .*\b(?:vote|support|work|cheer|root|play|bank|fly)\b)/iu, 'person'],
  [/\bwhere(?:abouts)?\b|\b(?:what|which) (?:city|town|country|village)\b/iu, 'place'],
  [/\bname\b|\b(?:called|named)\b|\bcall (?:me|it|him|her|them|the)\b/iu, 'name'],
]

/** Null: anything may be the answer. */
export function wantedBy(question: string): Wanted | null {
  return FORMS.find(([form]) => form.test(question))?.[1] ?? null
}

const DAYS = '(?:mon|tues?|wed(?:nes)?|thu(?:rs)?|fri|sat(?:ur)?|sun)(?:days?)?'
const MONTHS =
  '(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)'
const NUMBER_WORDS =
  'one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen|seventeen|eighteen|nineteen|twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety|hundred|thousand|dozen|once|twice|couple|half|twins?'
const TIME = new RegExp(
  `\\b(?:${DAYS}|${MONTHS}|\\d{1,2}(?:st|nd|rd|th)|\\d{1,2}[:.h]\\d{2}|\\d{1,2} ?[ap]\\.?m|\\d{1,2}[/.-]\\d{1,2}(?:[/.-]\\d{2,4})?|(?:19|20)\\d\\d|tomorrow|tonight|today|noon|midday|midnight|mornings?|evenings?|afternoons?|nights?|weekends?|spring|summer|autumn|winter|christmas|easter|(?:next|this|last) (?:week|month|year|weekend)|(?:half past|quarter (?:to|past))|every (?:\\S+ )?(?:day|week|month|year)s?|daily|weekly|monthly|o'?clock|(?:at|by|until|till?|from|after|before|around|since) (?:about |around )?(?:\\d{1,2}|${NUMBER_WORDS})|in (?:\\d+|${NUMBER_WORDS}) (?:day|week|month|year|hour|minute)s?)\\b`,
  'iu',
)
const NUMBER = new RegExp(`\\d|\\b(?:${NUMBER_WORDS}|daily|weekly|monthly|every|single|only child)\\b`, 'iu')
const TIME_WORD = new RegExp(`^(?:${DAYS}|${MONTHS})$`, 'iu')
const TITLE =
  /\b(?:dr|mr|mrs|ms|miss|prof|professor|frau|herr|sir|lady|called|named|name is|name's|names are|goes by|call (?:it|him|her|them|me|the \p{L}+))\.? \p{L}/iu
const AT_PLACE =
  /\b(?:in|at|for|to|from|on|under|behind|near|inside|above|below|by|with|next to|between|beside|over|outside|off|into|down|up|around)\s+(?<place>(?:(?:the|a|an|my|our|his|her) )?[\p{L}\p{N}][^\s,.;!?]*)/giu

/** True where a sentence has something of the kind. `known`: lower-case words that the question has itself, which are no answer. */
export function holds(wanted: Wanted | null, text: string, known: ReadonlySet<string>): boolean {
  if (wanted === null) return true
  if (wanted === 'email') return /\S@\S/u.test(text)
  if (wanted === 'phone') return /(?:\d[\s()./-]*){5,}/u.test(text)
  if (wanted === 'password') return /\b(?:password|passcode|passphrase|pw|pass|code|pin|key)\b/iu.test(text)
  if (wanted === 'number') return NUMBER.test(text)
  if (wanted === 'time') return TIME.test(text)
  if (wanted === 'place') return hasPlace(text) || hasName(text, known)
  return TITLE.test(text) || hasName(text, known)
}

/** A word with a capital that stands for nobody whom the question knows: "I" and days are none. */
function hasName(text: string, known: ReadonlySet<string>): boolean {
  const words = text.matchAll(/\p{Lu}[\p{L}\p{M}'-]*/gu)
  return [...words].some(({ 0: word, index }) => {
    const isFirst = index === 0 || /[.!?:]\s*$/u.test(text.slice(0, index))
    const bare = word.replace(/'s?$/u, '')
    if (/^I(?:'|$)/u.test(word) || TIME_WORD.test(bare) || known.has(bare.toLowerCase())) return false
    return !isFirst || !COMMON_FIRST.test(bare)
  })
}

/** Words at the beginning of a sentence that are no names. */
const COMMON_FIRST =
  /^(?:\p{Ll}.*|My|Our|The|A|An|We|He|She|It|They|You|This|That|These|Those|There|Here|So|And|But|Or|If|When|Just|Did|Do|Does|Is|Are|Was|Were|Hi|Hey|Hello|Yes|No|Ok|Okay|Oh|Well|Also|Please|Some|Few|Long|Best|Got|Been|Never|Not|Booked|Booking|Baby|Dad|Mom|Mum|Wife|Husband|Car|Half|Parking|For|In|On|At|To|From|With|Currently|Saving|Both|Every|Last|Next|Today|Tomorrow|Yesterday|Now|Really|Sorry|Thanks|Thank|Remember|Note|Can|Could|Will|Would|Should|Have|Has|Had|Going|Gonna|Moved|Started|Working|Living|Born|Trying|Took|Left|Lost|Bought|Sold|Finally|Actually|Anyway|By|Btw|Fyi)$/u

function hasPlace(text: string): boolean {
  return [...text.matchAll(AT_PLACE)].some(({ groups }) => {
    const word = (groups?.['place'] ?? '').replace(/^(?:the|a|an|my|our|his|her) /iu, '')
    return !TIME.test(word) && !/^\d{1,2}$/u.test(word) && !TIME_WORD.test(word) && word.length > 1
  })
}
