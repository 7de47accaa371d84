import { knownAs, type Reading } from './reading.ts'
import { isBeingWord, spelled } from './vocabulary.ts'

/** Who a clause is about, and where what is said of them begins. */
export interface Subject {
  /** `user`, or as in a topic. */
  readonly who: string
  /** Units of the clause before the predicate. */
  readonly length: number
  /** Place of the name that stands beside: "my sister Joanna". */
  readonly name?: readonly [number, number]
  /** The clause names it: "moved to Lisbon" does not. */
  readonly isSaid: boolean
}

const SELF = /^(?:me and my \p{L}{2,20}|my family and i|the kids and i|i|we)(?:\s+|(?='|(?:m|ve|d)\s))/iu
const PRONOUN = /^(?:he|she|they|it|who)(?:\s+|(?=')|(?=s\s))/iu
const HIS = /^(?:his|her|their|its)\s+/iu
const PARENT = /^(?:mum|mom|dad|mother|father|grandma|grandpa|granny|grandad|nan|gran)$/iu
const MAX_ADJECTIVES = 3

/** The subject of a clause; undefined where it is neither the user nor somebody of theirs. */
export function subjectOf(reading: Reading, words: string): Subject | undefined {
  const self = SELF.exec(words)
  if (self !== null) return { who: 'user', length: self[0].length, isSaid: true }
  const pronoun = PRONOUN.exec(words)
  if (pronoun !== null) {
    return reading.focus === undefined ? undefined : { who: reading.focus, length: pronoun[0].length, isSaid: true }
  }
  return beingSubject(words) ?? namedSubject(reading, words)
}

/** "my little sister Joanna", "our dog's", "grandpa". */
function beingSubject(words: string): Subject | undefined {
  const determiner = /^(?:my|our|the)\s+/iu.exec(words)?.[0].length ?? 0
  let at = determiner
  const phrase: string[] = []
  for (let i = 0; i <= MAX_ADJECTIVES; i++) {
    const found = /^(\p{L}[\p{L}-]{0,30})(?=['\s,]|$)/u.exec(words.slice(at, at + 40))
    const word = found?.[1]
    if (word === undefined || /^(?:of|my|our|the|is|name|and|that|with|for|at)$/iu.test(word)) return undefined
    phrase.push(spelled(word.toLowerCase()))
    at += word.length
    if (isBeingWord(word.toLowerCase()) && (determiner > 0 || PARENT.test(word))) {
      if (
        /^\s+\p{L}+/u.test(words.slice(at)) &&
        isBeingWord(/^\s+([\p{L}-]+)/u.exec(words.slice(at, at + 40))?.[1]?.toLowerCase() ?? '')
      ) {
        at += 1
        continue
      }
      return withName(words, phrase, at)
    }
    if (words.charAt(at) !== ' ') return undefined
    at += 1
  }
  return undefined
}

const NAME_BESIDE = /^,?\s+((?!I\b|I')\p{Lu}[\p{L}\p{M}'-]{0,30}(?:\s\p{Lu}[\p{L}\p{M}'-]{0,30}){0,2})(?=\s|,|'s\s)/u

function withName(words: string, phrase: readonly string[], at: number): Subject {
  const name = NAME_BESIDE.exec(words.slice(at, at + 100))
  const plain = phrase.filter((word) => !/^(?:new|old|dear|lovely|beloved|late|other|whole)$/u.test(word)).join(' ')
  if (name?.[1] === undefined)
    return { who: plain, length: at + (/^\s+/.exec(words.slice(at))?.[0].length ?? 0), isSaid: true }
  const bare = name[1].replace(/'s$/u, '')
  const start = at + name[0].length - name[1].length
  const end = start + bare.length
  const gap = /^,?\s*/.exec(words.slice(end))?.[0].length ?? 0
  return { who: plain, length: end + gap, name: [start, end], isSaid: true }
}

/** "Joanna lives in Kielce", where it is known who Joanna is. */
function namedSubject(reading: Reading, words: string): Subject | undefined {
  const name = /^(\p{L}[\p{L}\p{M}-]{1,30})(?:\s+|(?='))/u.exec(words)
  if (name?.[1] === undefined || HIS.test(words)) return undefined
  const folded = name[1].toLowerCase()
  const who = knownAs(reading, folded)
  return who === folded ? undefined : { who, length: name[0].length, isSaid: true }
}

export { HIS }
