/** Where a message says the value that takes the place of another one. */
import { valueSpan, type Span } from './values.ts'

const DIGITS = '[+(#*]?\\d[\\d().,:/#*+-]*(?: \\d[\\d()./-]*){0,5}'
const COUNTS =
  'one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen|seventeen|eighteen|nineteen|twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety'
const DAY = '(?:mon|tues|wednes|thurs|fri|satur|sun)days?'
const MONTH =
  '(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sep(?:tember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)'
const DATE = `(?:the )?\\d{1,2}(?:st|nd|rd|th)?(?: of)? ${MONTH}|${MONTH} \\d{1,2}(?:st|nd|rd|th)?`

/** Shapes of values; the first that an old value has is the shape of the new one. */
const SHAPES: readonly (readonly [is: RegExp, found: RegExp])[] = [
  [/@/u, /\S+@\S+[^\s.,!?)]/gu],
  [new RegExp(`\\b(?:${DATE})\\b`, 'iu'), new RegExp(`\\b(?:${DATE})\\b`, 'giu')],
  [
    new RegExp(`^(?:on )?(?:next |this )?${DAY}$`, 'iu'),
    new RegExp(`\\b(?:${DAY}|${DATE}|\\d{1,2}(?:st|nd|rd|th))\\b`, 'giu'),
  ],
  [
    /^(?:on )?(?:the )?\d{1,2}(?:st|nd|rd|th)$/iu,
    new RegExp(`\\b(?:the )?\\d{1,2}(?:st|nd|rd|th)\\b|\\b(?:${DAY}|${DATE})\\b`, 'giu'),
  ],
  [
    new RegExp(`^(?:at )?(?:\\d{1,2}(?:[:.]\\d{2})?(?: ?[ap]\\.?m\\.?)?|${COUNTS}|noon|midnight)(?: o'clock)?$`, 'iu'),
    new RegExp(
      `(?<![\\p{L}\\p{N}])(?:\\d{1,2}[:.]\\d{2}(?: ?[ap]\\.?m\\.?)?|${DIGITS}(?: ?[ap]\\.?m\\.?)?|${COUNTS}|noon|midnight|(?:half past|quarter (?:to|past)) \\p{L}+)(?![\\p{L}\\p{N}])`,
      'giu',
    ),
  ],
  [/^[£$€]?[\d\s+().,:#*/-]+$/u, new RegExp(`(?<![\\p{L}\\p{N}])[£$€]?${DIGITS}(?![\\p{L}\\p{N}])`, 'gu')],
  [/^\S*\d\S*$/u, /(?<!\S)(?=[^\s,]*[\d])[^\s,;!?]{2,}[^\s,;.!?)]/gu],
  [/^\p{L}* ?\d[\d.,]* ?\p{L}{1,8}$/u, /(?:\p{L}+ )?\d[\d.,]* ?\p{L}{1,8}(?![\p{L}])/gu],
]

const NAME_OR_WORDS = '(?<value>[\\p{L}\\p{N}][^,;!?.()]{0,60}(?:\\.\\p{L}[^,;!?()]{0,40})?)'
const IS = "(?:(?:it|that|this|he|she|they|i|we)(?:'s|'re|'m| is| are| am)|its|hes|shes|theyre|im)"
const LIGHT =
  '(?:now |actually |really |just |currently |called |named |at |in |with |from |on |to |by |an? |the |driving |living |working |staying |using |for )*'

/** How people say a new value in words; the first that fits decides. */
const SAID: readonly RegExp[] = [
  `(?:changed|switched|swapped|traded|replaced|moved|relocated|renamed|upgraded|go|went) (?:\\S+ ){0,6}?(?:to|with|for|by|into) (?:an? |the )?${NAME_OR_WORDS}`,
  `\\b(?:so |but )?${IS} (?!not\\b|wrong|sorry)${LIGHT}${NAME_OR_WORDS}`,
  `\\b(?:started|driving|drive|drives|play|plays|playing|staying at|stay at|stays at|goes by|go by|use|using|be|got|have|has|prefer|reading|called|named) ${LIGHT}${NAME_OR_WORDS}`,
  `^(?:[^,;!?]{0,60}[,;!?–-]\\s*)?(?<value>[\\p{L}\\p{N}][^,;!?.]{0,40}?)(?: is| are|'s)? (?:my|our|the) (?:\\p{L}+ ){0,2}\\p{L}+ now`,
  `\\b(?:is|are|will be|should be|to) (?!not\\b)${LIGHT}${NAME_OR_WORDS}`,
  `[,;!:–-]+\\s+(?:and |but |so )?(?<value>[\\p{L}\\p{N}][^,;!?.]{0,40}?)(?: instead| now| all the way| these days)?[.!\\s]*$`,
  `^(?<value>[\\p{L}\\p{N}][^,;!?.]{0,40}?)[.!\\s]*$`,
].map((source) => new RegExp(source, 'diu'))
/** What stands before a value that does not hold. */
const BEFORE_OLD =
  /(?:\b(?:not|from|instead of|rather than|isn'?t|no longer|was|were|than|left|quit|sold)|n't)\s+(?:(?:in|at|on|an?|the|my)\s+)?$/iu
const ENDS =
  /\s(?:now|instead|these days|nowadays|from now on|since|anymore|any more|all the way|every day|last|not|so|because|for the|as my|again|today|yesterday|sorry|actually|please|and (?:not|i|we|it)|with (?:one|two|an?) \p{L}\b)(?=\s|$).*$|\s[(–-].*$/iu
const NO_VALUE =
  /^(?:it|that|this|them|him|her|me|us|not|no|yes|wrong|right|sorry|over|done|gone|fine|good|true|false|so|very|too|off|out|taken|closed|cancelled|canceled|on leave|leave|mistake|different|new|more|up|down|back|away|moved|changed|yesterday|today|now|here|there|about|of|anything|nothing|something|someone|what|who|which|how|if|when|a lot|i|my|the|over it|going|getting|trying|mixed|used|supposed)\b/iu

/** Words of what happened, which no value has. */
const OF_CHANGE =
  /\b(?:changed|cancelled|canceled|moved|renamed|replaced|switched|different|wrong|mistake|instead|anymore|routine)\b/iu

/** The place of the value in a message; undefined where the sentence has none that could stand for `old`. */
export function newValueIn(plain: string, sentence: Span, old: string): Span | undefined {
  const text = plain.slice(sentence.start, sentence.end)
  const shape = SHAPES.find(([is]) => is.test(old.trim()))
  const span = shape ? ofShape(text, shape[1], old) : (respelled(text, old) ?? inWords(text, old))
  return span && { start: sentence.start + span.start, end: sentence.start + span.end }
}

function ofShape(text: string, shape: RegExp, old: string): Span | undefined {
  for (const match of text.matchAll(shape)) {
    const value = match[0].replace(/[.,:)]+$/u, '').replace(/^the /iu, '')
    if (BEFORE_OLD.test(text.slice(0, match.index)) || isPartOf(value, old)) continue
    const start = match.index + match[0].indexOf(value)
    return { start, end: start + value.length }
  }
  return undefined
}

/** "Rollo with two l's", where "Rolo" was told. */
function respelled(text: string, old: string): Span | undefined {
  for (const { 0: word, index } of text.matchAll(/[\p{L}\p{M}'-]+/gu))
    if (isMisspelled(old, word)) return { start: index, end: index + word.length }
  return undefined
}

/** Whether two words differ by one or two letters, and begin with the same one. */
export function isMisspelled(old: string, word: string): boolean {
  const [a, b] = [old.toLowerCase(), word.toLowerCase()]
  const isNear = Math.abs(a.length - b.length) <= 1 && Math.min(a.length, b.length) >= 3 && a[0] === b[0]
  if (!isNear || a === b || /\s|\d/u.test(a + b)) return false
  let from = 0
  while (a[from] === b[from]) from++
  let end = 0
  while (end < Math.min(a.length, b.length) - from && a.at(-1 - end) === b.at(-1 - end)) end++
  return Math.max(a.length, b.length) - from - end <= 1
}

function inWords(text: string, old: string): Span | undefined {
  const isName = /^\p{Lu}/u.test(old)
  const isNumbered = /\d/u.test(old)
  const found = SAID.flatMap((form) => {
    const place = form.exec(text)?.indices?.groups?.['value']
    const span = place && trimmed(text, { start: place[0], end: place[1] })
    if (!span) return []
    const value = text.slice(span.start, span.end)
    const isOld =
      isSaidOf(value, old) || isPartOf(value, old) || isPartOf(old, value) || BEFORE_OLD.test(text.slice(0, span.start))
    const lacks = isNumbered && !/\d/u.test(value)
    return isOld || lacks || NO_VALUE.test(value) || OF_CHANGE.test(value) || value.split(' ').length > 6
      ? []
      : [{ span, value }]
  })
  // Who writes a name with a capital does so again.
  const [first] = isName ? found.filter(({ value }) => /^[\p{Lu}\p{N}]/u.test(value)) : found
  return first?.span
}

function trimmed(text: string, { start, end }: Span): Span | undefined {
  const rest = ENDS.exec(text.slice(start, end))
  return valueSpan(text, { start, end: rest ? start + rest.index : end }, 'text')
}

/** "Kev's retired" says something of Big Kev, and is nobody's name. */
function isSaidOf(value: string, old: string): boolean {
  const whose = /^(?<name>\p{Lu}[\p{L}\p{M}-]*)['’]s\s+\p{Ll}/u.exec(value)?.groups?.['name']
  return whose !== undefined && isPartOf(whose, old)
}

const folded = (text: string): string =>
  text
    .toLowerCase()
    .replaceAll(/[\s.,]+/gu, ' ')
    .trim()
const isPartOf = (part: string, whole: string): boolean => ` ${folded(whole)} `.includes(` ${folded(part)} `)
