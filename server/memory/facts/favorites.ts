/** Favorites without the word: "the film I like best is Heat", "I like beige best of all colors". */
import { topicOf } from './noun-phrase.ts'
import { groupSpan, isProper, tell, type Clause, type Reading } from './reading.ts'
import { singular } from './vocabulary.ts'

const NOUN = '(?<np>[\\p{L}-]+(?: [\\p{L}-]+)?)'
const LIKE = '(?:that )?(?:i|we) (?:really |always )?(?:like|love|enjoy|prefer|adore)(?: (?:the )?(?:best|most))?'
const END = '(?: now)?[.!\\s]*$'

const FORMS: readonly RegExp[] = [
  `^(?:the|my|our) ${NOUN} ${LIKE} is (?<value>\\S.{0,100}?)${END}`,
  `^(?<value>\\S.{0,100}?) is the ${NOUN} ${LIKE}${END}`,
  `^(?:i|we) (?:like|love|enjoy|prefer) (?<value>\\S.{0,60}?) (?:the )?(?:best|most) of all ${NOUN}${END}`,
].map((source) => new RegExp(source, 'diu'))

/** "Correction: I love the film Heat": a favorite where another one was told before. */
const LOVED = new RegExp(`^(?:i|we) (?:love|like|adore) the ${NOUN} (?<value>\\S.{0,100}?)${END}`, 'diu')
const NO_NOUN = /^(?:one|ones|thing|things|way|part|person|people|guy|girl|place where)$/iu

export function readFavorite(reading: Reading, clause: Clause): boolean {
  return (
    FORMS.some((form) => read(reading, clause, form)) || (clause.corrects && read(reading, clause, LOVED, isProper))
  )
}

function read(
  reading: Reading,
  clause: Clause,
  form: RegExp,
  isValue: (said: string) => boolean = () => true,
): boolean {
  const match = form.exec(clause.words)
  const value = match === null ? undefined : groupSpan(match, 'value', clause.start)
  const noun = match?.groups?.['np'] ?? ''
  if (value === undefined || NO_NOUN.test(noun) || !isValue(reading.plain.slice(value.start, value.end))) return false
  const words = noun.split(' ')
  const one = [...words.slice(0, -1), singular(words.at(-1)!)].join(' ')
  return tell(reading, clause, topicOf(`favorite ${one}`), value, 'text', 0.85)
}
