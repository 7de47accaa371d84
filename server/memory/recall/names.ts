/** Names of people and places in a sentence. */
import { isBeingWord } from '../facts/vocabulary.ts'
import { wordsOf } from '../words.ts'
import { DAY_OR_MONTH } from './calendar.ts'
import { isKnownWord, meaningOf } from './word-vectors.ts'

const PEOPLE = ['maria', 'john', 'anna', 'peter', 'ahmed', 'sarah']
const PLACES = ['paris', 'london', 'texas', 'madrid', 'poland', 'tokyo']
/** Similarity from which on it is: of 45 words looked at, all names of people have 0.34 and more, other words 0.24 and less. */
const [LIKE_PERSON, LIKE_PLACE] = [0.3, 0.45]

/** Whether a word in lower case is like the names of people by its meaning. */
export const isGivenName = (word: string): boolean => PEOPLE.some((one) => meaningOf(one, word) >= LIKE_PERSON)

/** The same of places. */
export const isPlaceName = (word: string): boolean => PLACES.some((one) => meaningOf(one, word) >= LIKE_PLACE)

/** A word with a capital that stands for nobody whom the question knows: "I" and days are none. `isOne`: which names count, in lower case. */
export function hasName(
  text: string,
  known: ReadonlySet<string>,
  isOne: (word: string) => boolean = () => true,
): boolean {
  const words = text.matchAll(/\p{Lu}[\p{L}\p{M}'-]*/gu)
  return [...words].some(({ 0: word, index }) => {
    const isFirst = index === 0 || /[.!?:]\s*$/u.test(text.slice(0, index))
    const bare = word.replace(/'s?$/u, '')
    if (/^I(?:'|$)/u.test(word) || DAY_OR_MONTH.test(bare) || known.has(bare.toLowerCase())) return false
    if (!isOne(bare.toLowerCase())) return false
    return !isFirst || (!COMMON_FIRST.test(bare) && isNameAlone(bare.toLowerCase()))
  })
}

/** A word that every sentence may begin with is a name only if it is like one: "Tickets bought" has none. */
const isNameAlone = (word: string): boolean => !isKnownWord(word) || isGivenName(word) || isPlaceName(word)

/** "My sister in law runs it", "vodafone", "jaylen": people by what they are, and names in small letters. */
export function hasPerson(text: string, known: ReadonlySet<string>): boolean {
  if (!/\p{Lu}/u.test(text) && /\b(?:with|by|to|from|next to)\s+(?!(?:the|my|a|an|it|you|me)\b)\p{L}{3,}/iu.test(text))
    return true
  return wordsOf(text).some(
    (word) =>
      !known.has(word) &&
      ((isBeingWord(word) && !owns(word, text)) || (/^\p{L}{3,}$/u.test(word) && !isKnownWord(word))),
  )
}

/** "Daughter's wedding" says of a wedding whose it is. */
const owns = (word: string, text: string): boolean => new RegExp(`\\b${word}'s? \\p{L}`, 'iu').test(text)

/** "Grandpa Otto was born in 1931" names no place: without the names of people and pets. */
export function withoutPeople(text: string): string {
  return text.replaceAll(
    /(?<being>\p{L}+)(?:(?:'s| is| was)? (?:called|named)|'s name is|,)? \p{Lu}[\p{L}\p{M}'-]*/gu,
    (whole, being: string) => (isBeingWord(being.toLowerCase()) ? being : whole),
  )
}

/** Words at the beginning of a sentence that are no names. */
const COMMON_FIRST =
  /^(?:\p{Ll}.*|My|Our|The|A|An|We|He|She|It|They|You|This|That|These|Those|There|Here|So|And|But|Or|If|When|Just|Did|Do|Does|Is|Are|Was|Were|Hi|Hey|Hello|Yes|No|Ok|Okay|Oh|Well|Also|Please|Some|Few|Long|Best|Got|Been|Never|Not|Booked|Booking|Baby|Dad|Mom|Mum|Wife|Husband|Car|Half|Parking|For|In|On|At|To|From|With|Currently|Saving|Both|Every|Last|Next|Today|Tomorrow|Yesterday|Now|Really|Sorry|Thanks|Thank|Remember|Note|Can|Could|Will|Would|Should|Have|Has|Had|Going|Gonna|Moved|Started|Working|Living|Born|Trying|Took|Left|Lost|Bought|Sold|Finally|Actually|Anyway|By|Btw|Fyi)$/u
