/** Whether a sentence has something of the kind that a question wants to hear. */
import { isBeingWord } from '../facts/vocabulary.ts'
import { DAYS, DAY_OR_MONTH, MONTHS } from './calendar.ts'
import { hasName, hasPerson, isGivenName, isPlaceName, withoutPeople } from './names.ts'
import { wordsOf } from '../words.ts'
import type { Wanted } from './wanted.ts'

const NUMBER_WORDS =
  'one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen|seventeen|eighteen|nineteen|twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety|hundred|thousand|dozen|once|twice|couple|half|twins?'
const NUM = `(?:\\d[\\d.,]*|${NUMBER_WORDS}|a|an)`
const SPAN = '(?:years?|yrs?|months?|weeks?|days?|nights?|hours?|hrs?|minutes?|mins?|seconds?|decades?)'
const CLOCK = `\\d{1,2}[:.h]\\d{2}|\\d{1,2} ?[ap]\\.?m|noon|midday|midnight|o'?clock|(?:half|quarter|five|ten|twenty|twenty[ -]five) (?:past|to)\\b|half (?:${NUMBER_WORDS})|(?:at|by|until|till?|from|after|before|around|since|between) (?:about |around )?(?:\\d{1,2}|${NUMBER_WORDS})(?! (?:years?|months?|weeks?|days?|hours?|minutes?))`
const TIME = new RegExp(
  `\\b(?:${DAYS}|${MONTHS}|\\d{1,2}(?:st|nd|rd|th)|${CLOCK}|\\d{1,2}[/.-]\\d{1,2}(?:[/.-]\\d{2,4})?|(?:19|20)\\d\\d|tomorrow|tonight|today|yesterday|mornings?|evenings?|afternoons?|nights?|weekends?|spring|summer|autumn|winter|christmas|easter|halloween|thanksgiving|ramadan|eid|diwali|new year'?s?|(?:next|this|last) (?:week|month|year|weekend)|every (?:\\S+ )?(?:day|week|month|year)s?|daily|weekly|monthly|in (?:\\d+|${NUMBER_WORDS}) (?:day|week|month|year|hour|minute)s?)\\b`,
  'iu',
)
const UNITS =
  'mg|mcg|ml|cl|litres?|liters?|kg|kilos?|grams?|lbs?|stone|km|miles?|cm|mm|metres?|meters?|feet|foot|ft|inch(?:es)?|percent|%|gigs?|gb'
const FORMS: Readonly<Partial<Record<Wanted, RegExp>>> = {
  email: /\S@\S/u,
  phone: /(?:\d[\s()./-]*){5,}/u,
  password: /\b(?:password|passcode|passphrase|pw|pass|code|pin|key)\b/iu,
  address:
    /\d|\S@\S|\b(?:street|road|lane|avenue|row|square|close|court|drive|stra(?:ss|ß)e|rue|calle|ulica|via|plaza|way)\b/iu,
  surname: /\p{Lu}[\p{L}'’-]+ \p{Lu}[\p{L}'’-]+|\b(?:surname|(?:last|family|maiden|second) name)\b/u,
  reason: /\b(?:because|cause|cos|coz|since|so (?:that|i|we)|due to|to (?!the|my|a)\p{L}+|why|reason)\b/iu,
  time: TIME,
  number: new RegExp(`\\d|\\b(?:${NUMBER_WORDS})\\b`, 'iu'),
  duration: new RegExp(
    `\\b${NUM}(?:[ -]and a half| or so| more)?[ -]?${SPAN}\\b|\\bsince\\b|\\b(?:until|till)\\b|\\b\\d[\\d.,]* ?(?:${UNITS}|pages?|words?)\\b|\\bfrom .*\\b(?:to|til|till|until)\\b`,
    'iu',
  ),
  frequency: new RegExp(
    `\\b(?:every|each|daily|weekly|fortnightly|monthly|yearly|annually|once|twice|alternate|never|always|times (?:a|per)|${DAYS}s)\\b`,
    'iu',
  ),
  height: /\d ?(?:cm|m\b|'|’|ft|foot|feet)|\b\d[.,]\d\d\b|\bfoot\b|\bfeet\b|\bmetres?\b/iu,
  weight: /\d ?(?:kg|kilos?|lbs?|pounds?|stone|grams?|g)\b|\b(?:kilos?|stone|pounds?)\b/iu,
  size: new RegExp(`\\d|\\b(?:XS|S|M|L|XL|XXL|small|medium|large|size|rooms?|${NUMBER_WORDS})\\b`, 'u'),
  dose: new RegExp(
    `\\d|\\b${NUM} (?:tablets?|pills?|puffs?|drops?|units?|spoons?|cups?)\\b|\\b(?:${NUMBER_WORDS})\\b`,
    'iu',
  ),
}

/** True where a sentence has something of the kind. `known`: lower-case words that the question has itself, which are no answer. */
export function holds(wanted: Wanted | null, text: string, known: ReadonlySet<string>): boolean {
  if (wanted === null) return true
  const form = FORMS[wanted]
  if (form) return form.test(text)
  if (wanted === 'count') return COUNT.test(text.replaceAll(YEARS_AND_TIMES, ' '))
  if (wanted === 'clock') return CLOCK_TIME.test(text.replaceAll(DATES_AND_AMOUNTS, ' '))
  if (wanted === 'age')
    return (
      /\bborn\b|\b(?:years?|months?|weeks?)[ -]old\b|\d(?:th|st|nd|rd) (?:birthday|bday)\b/iu.test(text) ||
      hasNumber(text.replaceAll(LASTING, ' '), AGED)
    )
  if (wanted === 'money') return /[£$€¥₹]/u.test(text) || hasNumber(text, PAID_IN)
  if (wanted === 'code') return hasCode(text)
  if (wanted === 'place')
    return (
      hasPlace(text, known) || hasSmallPlace(text, known) || (hasName(withoutPeople(text), known) && !TITLE.test(text))
    )
  if (wanted === 'name') return NAMING.test(text) || hasName(text, known)
  return TITLE.test(text) || hasName(text, known, isNoPlace) || hasPerson(text, known)
}

/** "Married for 56 years" says no age. */
const LASTING = new RegExp(`\\bfor (?:${NUM}) ${SPAN}\\b`, 'giu')
const isNoPlace = (word: string): boolean => isGivenName(word) || !isPlaceName(word)

const AGED =
  /^(?:years?|yrs?|yo|y\/o|months?|old|and|in|on|now|since|next|this|last|today|tomorrow|soon|by|but|so|already|with|single|married)$/iu
const PAID_IN =
  /^(?:k|grand|euros?|eur|pounds?|quid|dollars?|usd|bucks?|gbp|pln|z[lł]oty\p{L}*|yuan|rmb|lira|tl|rupees?|rs|yen|kr|kronor|francs?|chf|cents?|a|an|per|for|from|each|every|before|after|all|plus|and|or|to|with|including|monthly|since|until|till|extra|altogether|total|now|today|this|next|as|on|by|because|so|but|instead|if|of)$/iu

/** A number that stands alone, or before one of these words: "12 kilos" is no age and no price. */
function hasNumber(text: string, before: RegExp): boolean {
  const form = new RegExp(
    `(?<![\\p{L}\\p{N}:.#/-])(?:\\d[\\d.,]*k?|${NUMBER_WORDS})(?![\\d:/]|\\p{Ll}{2})(?<rest>[\\s-]*(?<next>[\\p{L}/]+)?)`,
    'giu',
  )
  return [...text.matchAll(form)].some(({ index, groups, 0: found }) => {
    if (
      /\b(?:at|level|number|no|size|floor|room|row|class|year|grade|flat|dock|gate|platform|until|till|since|in)\s+$/iu.test(
        text.slice(0, index),
      )
    )
      return false
    const next = groups?.['next']
    return next === undefined || !/^[\s-]/u.test(groups?.['rest'] ?? '')
      ? !/\d(?:st|nd|rd|th|mg|kg|cm|am|pm)/iu.test(found)
      : before.test(next)
  })
}

const COUNT = new RegExp(`\\d|\\b(?:${NUMBER_WORDS}|single|only child|an only|no)\\b`, 'iu')
const YEARS_AND_TIMES =
  /\b(?:in|since|from|before|until|till|by|of|after) (?:early |late )?(?:19|20)\d\d\b|\b\d{1,2}(?:[:.h]\d{2}| ?[ap]\.?m)\b|\d+(?:st|nd|rd|th)\b/giu
const CLOCK_TIME = new RegExp(`\\b(?:${CLOCK}|\\d{4}|\\d{1,2})\\b`, 'iu')
const DATES_AND_AMOUNTS = new RegExp(
  `\\b(?:\\d{1,2} (?:of )?${MONTHS}|${MONTHS} \\d{1,2}|\\d+(?:st|nd|rd|th)|\\d[\\d.,]* ?(?:${UNITS}|${SPAN}|k|euros?|pounds?|quid|dollars?))\\b|[£$€¥₹]\\d[\\d.,]*`,
  'giu',
)

/** Something with a digit that is no time, no date, no amount. */
function hasCode(text: string): boolean {
  const bare = text
    .replaceAll(DATES_AND_AMOUNTS, ' ')
    .replaceAll(
      /\b\d{1,2}(?:[:.h]\d{2}| ?[ap]\.?m)\b|\b(?:in|since|from|until|by|of) (?:19|20)\d\d\b|\b(?:at|by) \d{1,2}\b/giu,
      ' ',
    )
  return /\d/u.test(bare)
}

const NAMING =
  /\b(?:called|named?|name is|name's|names are|names|goes by|call (?:it|him|her|them|me|the \p{L}+)|nicknamed)\b/iu
const TITLE = /\b(?:dr|mr|mrs|ms|miss|prof|professor|frau|herr|sir|lady)\.? \p{L}/iu
const AT_PLACE =
  /\b(?:in|at|to|from|on|onto|under|underneath|beneath|behind|near|inside|above|below|by|with|next to|between|beside|over|outside|into|along|against|through|via|across|opposite|for|spot|level|row|floor|room|gate|platform|bay)\s+(?<place>(?:(?:the|a|an|my|our|his|her|their|that|this) )?[\p{L}\p{N}][^\s,.;!?]*)/giu

/** "On new moon nights" is a time. */
const ON_DAYS =
  /^\S+ (?:[\p{L}']+ ){0,3}(?:nights?|days?|weeks?|months?|years?|mornings?|evenings?|afternoons?|weekends?)\b/iu

/** "Its glasgow now" */
function hasSmallPlace(text: string, known: ReadonlySet<string>): boolean {
  return !/\p{Lu}/u.test(text) && wordsOf(text).some((word) => isPlaceName(word) && !known.has(word))
}

function hasPlace(text: string, known: ReadonlySet<string>): boolean {
  return [...text.matchAll(AT_PLACE)].some(({ 0: whole, groups, index }) => {
    if (ON_DAYS.test(text.slice(index))) return false
    const word = (groups?.['place'] ?? '').replace(/^(?:the|a|an|my|our|his|her|their|that|this) /iu, '')
    if (/^in law$/iu.test(whole) || known.has(word.toLowerCase())) return false
    if (/^for\b/iu.test(whole) && !/^(?:\p{Lu}|the\b)/u.test(groups?.['place'] ?? '')) return false
    if (/^(?:with|by)\b/iu.test(whole) && !/^\p{Lu}/u.test(word) && !isBeingWord(word.toLowerCase())) return false
    return (
      !TIME.test(word) && !/^(?:\d{1,2}|[\d+(][\d()/-]{3,})$/u.test(word) && !DAY_OR_MONTH.test(word) && word.length > 1
    )
  })
}
