/** The part of a correction that still holds: "Red Lion is full, so the Anchor instead" is quoted as "the Anchor instead". */
import { typedValues } from '../facts/typed-values.ts'
import { isBeingWord } from '../facts/vocabulary.ts'
import { isCommon, stem } from '../search-words.ts'
import { wordsOf } from '../words.ts'
import { holds } from './holds.ts'
import type { Question } from './question.ts'
import { isOff } from './replacement.ts'
import { areAlike } from './related-words.ts'
import { isKnownWord, rarityOf } from './word-vectors.ts'

/** "It's onions, not gluten", "friday instead of wednesday". */
const DENIED =
  /(?:\s+(?:is|are|was|were))?[\s,;(–-]+(?:(?:and |but )?not|instead of|rather than|no longer)\s[^,;.!?]*?(?=\s(?:and(?! an? (?:half|quarter))|so|but|because|i|we|he|she|they|it)\s|[,;.!?]|$)/giu
/** "I moved it from Nadia's to my desk", "she put me up from 50 to 75", "it's down from 31 to 28". */
const MOVED_FROM =
  /(?<=\b(?:moved?|moving|changed|switched|went|gone|transferred|swapped|updated|raised|increased|lowered|reduced|cut|shifted|pushed|bumped|goes|going|rises|rising|rose|falls|fell|drops|dropped|slipped|slid|delayed|postponed|renamed|upped|put|taken|took|brought|up|down)\b[^,;.!?]*)\sfrom\s(?:[^,;.!?]|\.(?=\d))*?(?=\s(?:(?:up|down|over|back|on)\s)?to\s)/giu
/** "Dropped Italian for Portuguese", "the Dutch was really Afrikaans": what stands behind it holds. "Dr Iyer was really rude" is something else. */
const GIVEN_UP =
  /^\W*(?:(?:i|we)(?:'ve| have)? )?(?:(?:dropped|swapped|traded|exchanged|ditched|given up|gave up) (?<old>[^,;.!?]{2,40}?) for|replaced (?<replaced>[^,;.!?]{2,40}?) with) (?=\S)/iu
const WAS_REALLY =
  /^(?<old>[^,;.!?]{2,40}?) (?:was|were) (?:really|actually|in fact|meant to be|supposed to be) (?=[\p{Lu}\d])/u
/** "No more Mudflap, they call me Biscuits now": what stands first is over, whoever knows what it was. */
const OVER = /^(?:no more|not|no longer) [^,;.!?]{2,40}[,;.!?]+\s+(?=\S+ \S)/iu
/** "And" begins another part where a clause may follow it: not of "tuesdays and fridays", "my shirt and the contract". */
const PIECE =
  /(?<=[.!?;:,–—])\s+|(?<=\bnow)\s+(?=\p{L}+\s(?:is|was|are|has|keeps|got)\b)|(?<!\b(?:what|that|which|when|where|who|how|if|as|than|all))\s+(?=(?:so|but|because)\s|and(?! an? (?:half|quarter)\b)\s+(?:\S+\s+){2}\S|(?:i|we|he|she|they)(?:['’]\p{L}+)?\s|it(?:['’]\p{L}+|\s(?:is|was|will))\s|(?:im|hes|shes|theyre)\s|(?<!\b(?:in|of|on|for|to|with|at|by|from|and|its) )its\s)/iu
const LINK = /^(?:so|but|and|because|then)\s+/iu
/** Rarer words than this name what holds; the others are of any sentence. */
const RARE = 0.5

/** "They are not coming in August but in October": what is left of the beginning. */
const LEFT_BEFORE_BUT = /(?<=^|[.!?]\s)(?:\S+\s+){1,2}but\s+(?=(?:in|on|at|to|with|for|from|the|an?|my|our)\s)/giu

/** A page is no correction: it is quoted as it is. */
const LONGEST = 2000

/** `before`: what was said of it until then. All that is left is the user's words; the whole sentence where nothing would be left. */
export function heldPart(question: Question, before: readonly string[], next: string): string {
  if (next.length > LONGEST) return next
  const said = before.join(' ')
  const old = oldWords(question, before, next)
  const isOld = (text: string): boolean => wordsOf(afterTopic(question, text, said)).some((word) => old.has(stem(word)))
  const moved = next.replace(MOVED_FROM, '').replace(OVER, '')
  if (!isOld(next)) return tidy(moved)
  const bare = moved.replace(DENIED, (tail) => (isOld(tail) ? '' : tail)).replace(LEFT_BEFORE_BUT, '')
  const pieces = bare.split(PIECE).map((piece) => withoutGivenUp(piece, isOld))
  const clean = pieces.filter((piece) => !isOld(piece))
  const answer = (piece: string): number => answerIn(question, piece, said)
  const most = (some: readonly string[]): number => Math.max(0, ...some.map(answer))
  if (most(clean) > 0 && most(clean) >= most(pieces)) return tidy(clean.join(' '))
  const held = pieces.flatMap((piece) => {
    if (!isOld(piece)) return [piece]
    return hasNewValue(piece, said) ? [withoutOldName(question, piece, said)] : []
  })
  const rest = says(held.join(' '), said) ? held.join(' ') : withoutOver(pieces, old)
  const has = (text: string): boolean => holds(question.wanted, text, question.known)
  const isLost = DEFINITE.has(question.wanted) && has(bare) && !has(rest)
  return tidy(!isLost && says(rest, said) ? rest : bare)
}

/** "The gift is in the garage now": what it begins with was said before, and is no old value where the rest is a new one. */
function afterTopic(question: Question, text: string, said: string): string {
  const rest = TOPIC.exec(text)?.groups?.['rest']
  return rest !== undefined && answerIn(question, rest, said) > 0 ? rest : text
}

const TOPIC = /^\W*(?:(?:so|but|and|the|my|our) )*\S+ (?:is|are) (?<rest>.+)$/isu

/** Kinds of which a piece seldom has one by chance. */
const DEFINITE: ReadonlySet<Question['wanted']> = new Set([
  'number',
  'count',
  'code',
  'phone',
  'money',
  'age',
  'time',
  'place',
  'clock',
] as const)

/** What of it holds is not known: that is over of which it is said, or else what stands first. */
function withoutOver(pieces: readonly string[], old: ReadonlySet<string>): string {
  const oldIn = (piece: string): string[] => wordsOf(piece).filter((word) => old.has(stem(word)))
  const isOver = (piece: string): boolean => oldIn(piece).some((word) => isOff(piece, word))
  const over = pieces.some(isOver) ? pieces.findIndex(isOver) : pieces.findIndex((piece) => oldIn(piece).length > 0)
  return pieces.toSpliced(over, 1).join(' ')
}

/** Without what it says is over, where that was said before. */
function withoutGivenUp(piece: string, isOld: (text: string) => boolean): string {
  const cut = (text: string, old = '', replaced = ''): string => (isOld(`${old} ${replaced}`) ? '' : text)
  return piece.replace(GIVEN_UP, cut).replace(WAS_REALLY, (text, old: string) => cut(text, old))
}

/** Whether a piece has something new of the kind that is asked for (1), and with it a number, a time or a name (2). */
function answerIn({ wanted, known }: Question, piece: string, said: string): number {
  const before = new Set(wordsOf(said))
  const fresh = piece.replaceAll(/[\p{L}\p{M}\p{N}'’-]+/gu, (word) =>
    before.has(word.toLowerCase()) && !isCommon(word) ? '' : word,
  )
  const isOfKind = wanted === null ? hasNewValue(piece, said) : holds(wanted, fresh, new Set([...known, ...before]))
  return isOfKind ? (hasNewValue(piece, said) ? 2 : 1) : 0
}

/** "Correction" alone says nothing. */
const ANNOUNCES = /^(?:correction|update|edit|typo|oops|whoops|sorry|scratch|actually|ps)$/u

/** Whether there is a word that was not said before, and that not each sentence has. */
function says(text: string, said: string): boolean {
  const before = new Set(wordsOf(said).map(stem))
  return wordsOf(text).some(
    (word) =>
      (/\d/u.test(word) || (!isCommon(word) && rarityOf(word) > RARE)) &&
      !before.has(stem(word)) &&
      !ANNOUNCES.test(word),
  )
}

/** "Bex passed it to Aoife", after "Bex has it": what is said after the name of before, or before it. */
function withoutOldName({ words, known }: Question, piece: string, said: string): string {
  const asked = new Set([...known, ...words.keys()])
  const names = [...piece.matchAll(NAME)].filter(
    ({ 0: name, index }) => isNameOf(name, said, index) && !wordsOf(name).some((word) => asked.has(word)),
  )
  const [first, last] = [names[0], names.at(-1)]
  if (!first || !last) return piece
  const after = piece.slice(last.index + last[0].length).replace(/^['’]s?\b/u, '')
  if (hasNewValue(`- ${after}`, said)) return after
  const start = piece.slice(0, first.index).replace(/\s+(?:the|an?|my|our|from|of|at|in|to|with|and|by|for)\s*$/iu, '')
  return hasNewValue(start, said) ? start : piece
}

/** "Well Pharmacy" and "Via Zamboni" are one name each, though a part of them was said. */
const NAME = /(?<!\d\s?)\p{Lu}[\p{L}\p{M}-]*(?: \p{Lu}[\p{L}\p{M}-]*)*(?<!-)(?![\p{L}\p{M}]|-?\d)/gu
const TIME =
  /^(?:(?:mon|tues|wednes|thurs|fri|satur|sun)day|january|february|march|april|may|june|july|august|september|october|november|december|i)$/iu

function isNameOf(name: string, said: string, at: number): boolean {
  const isFirst = at === 0 && isKnownWord(name.toLowerCase())
  return !TIME.test(name) && !isFirst && new RegExp(`(?<![\\p{L}])${name}(?![\\p{L}])`, 'iu').test(said)
}

/** Words that are no more than what was said before: those of the question are its topic, and so are those of "trying out for". */
function oldWords({ words, known, wanted }: Question, before: readonly string[], next: string): Set<string> {
  const asked = new Set([...words.keys()].flatMap((either) => either.split('|')).map(stem))
  const isAsked = (word: string): boolean =>
    asked.has(stem(word)) || (isBeingWord(word) && [...asked].some((one) => areAlike(one, stem(word))))
  const isTimed = wanted === null || TIMED.has(wanted)
  const isRare = (word: string): boolean => {
    if (GENERAL.test(word) || (!isTimed && TIME.test(word))) return false
    if (wanted === 'count' && NUMBER.test(word)) return true
    return /\d/u.test(word) || (!isCommon(word) && rarityOf(word) > RARE)
  }
  const ownPhrases = phrasesOf(next)
  const framed = before.flatMap((text) => [...phrasesOf(text)]).filter((phrase) => ownPhrases.has(phrase))
  const frame = new Set(framed.map((phrase) => phrase.split(' ')[0]!))
  const said = before.flatMap(wordsOf).filter((word) => isRare(word) && !known.has(word) && !isAsked(word))
  const marked = markedAnew(before.join(' '), next)
  const again = numbersAgain(new Set(before.flatMap(wordsOf)), next)
  return new Set(said.filter((word) => !frame.has(word) && !marked.has(word) && !again.has(word)).map(stem))
}

/** "01632", after "01632 960114", of "so 01632 960141": what a new number has in common with the one of before. */
function numbersAgain(said: ReadonlySet<string>, next: string): Set<string> {
  const numbers = (next.match(/\d+(?:[ .-]\d+)+/gu) ?? []).map(wordsOf)
  return new Set(numbers.filter((parts) => parts.some((part) => !said.has(part))).flat())
}

/** "Szabó", after "Szabo": words that are written with other accents than before. */
function markedAnew(said: string, next: string): Set<string> {
  const before = new Set(
    said
      .normalize('NFC')
      .toLowerCase()
      .match(/[\p{L}\p{N}]+/gu),
  )
  const words =
    next
      .normalize('NFC')
      .toLowerCase()
      .match(/[\p{L}\p{N}]+/gu) ?? []
  return new Set(words.filter((word) => /\P{ASCII}/u.test(word) && !before.has(word)).flatMap(wordsOf))
}

const NUMBER =
  /^(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|fifteen|twenty|thirty|forty|fifty|hundred)$/u
const TIMED: ReadonlySet<string> = new Set(['time', 'clock', 'frequency', 'duration'])
const GENERAL =
  /^(?:dr|mr|mrs|ms|miss|prof|ones?|things?|stuff|way|time|times|lot|bit|kind|sort|always|ever|never|still|yet|actually|really|half|quarter|favou?rite|gonna|wanna|gotta)$/u

/** Verbs with the small word after them: "trying out". */
function phrasesOf(text: string): Set<string> {
  const words = wordsOf(text)
  return new Set(
    words.flatMap((word, at) =>
      word.endsWith('ing') && isCommon(words[at + 1] ?? ' ') ? [`${word} ${words[at + 1]}`] : [],
    ),
  )
}

/** "It's May 13", after May 3: a number, a time or a name that was not said before. */
export function hasNewValue(piece: string, said: string): boolean {
  const values = [
    ...(piece.match(/\d[\d.,:-]*|[\p{L}\d]+_[\p{L}\d_]+|(?<=\S\s+["'(]?)\p{Lu}[\p{L}\p{M}'-]+/gu) ?? []),
    ...typedValues(piece).flatMap(({ kind, text }) => (kind === 'name' ? [] : [text])),
  ]
  const known = said.toLowerCase()
  return values.some(
    (value) =>
      !/^I(?:'|$)/u.test(value) &&
      !known.includes(value.toLowerCase().replace(/[.,:-]+$|(?<=\d)(?:st|nd|rd|th)$/u, '')),
  )
}

function tidy(text: string): string {
  return text
    .trim()
    .replace(LINK, '')
    .replace(/[\s,;:–-]+$/u, '')
}
