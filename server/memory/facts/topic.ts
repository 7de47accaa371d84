import type { Topic } from './fact.ts'
import { areAlike } from '../recall/related-words.ts'
import { stem } from '../search-words.ts'
import { nounWords } from './noun-phrase.ts'
import { RELATED } from './related.ts'
import { areApart, classOf, kindOf } from './synonyms.ts'
import { isBeing, isBeingWord, singular } from './vocabulary.ts'

/** Words that a question adds to what it is about: "flight number" and "flight". */
const LIGHT: ReadonlySet<string> = new Set([
  'number',
  'time',
  'date',
  'name',
  'day',
  'kind',
  'model',
  'spot',
  'address',
  'type',
  'of',
  'title',
  'details',
  'info',
])

/** How much of a topic two facts on the same share at least. */
export const SAME_THING = 0.5

/**
 * How surely a fact is about what is asked: 0 is not at all, 1 is the same topic in the same or other words. What is liked is a
 * hobby where its value, if it is given, is a pastime.
 */
export function sameTopic(asked: Topic, fact: Topic & { readonly value?: string }): number {
  const [a, f] = [foldThing(asked), foldThing(fact)]
  if (classOf(a.attribute) === 'hobby' && classOf(f.attribute) === 'likes' && isPastime(fact.value ?? '')) {
    const isOfUser = a.subject === 'user' && f.subject === 'user'
    return PASTIME * (isOfUser ? 1 : sameBeing(a.subject, f.subject))
  }
  if (a.attribute === 'liked food' && isPastime(fact.value ?? '')) return 0
  if (a.subject === 'user' && f.subject === 'user') return sameAttribute(a.attribute, f.attribute)
  if (a.subject === 'user') return asWhole(a.attribute, f)
  // "what is my dog's name", and "I have a dog" or "my pets are Rex and Max"
  if (f.subject === 'user') {
    const isOne = isBeing(a.subject) && isBeingWord(f.attribute.split(' ').at(-1) ?? '')
    return isOne && sameBeing(a.subject, f.attribute) > 0 && a.attribute === 'name' ? 0.6 : 0
  }
  return sameBeing(a.subject, f.subject) * sameAttribute(a.attribute, f.attribute)
}

/** How surely a pastime that is liked is a hobby. */
const PASTIME = 0.95

/** What is liked is a hobby where it is something that one does. */
export function isPastime(value: string): boolean {
  return /^\p{L}+ing\b|\bgames?$/iu.test(value) || areAlike('hobbi', stem(value.toLowerCase()))
}

/** A thing's attribute is the user's: "my car's plate" and "my car plate". Beings and names given to things keep their subject. */
function foldThing(topic: Topic): Topic {
  const { subject, attribute } = topic
  if (subject === 'user' || isBeing(subject) || classOf(attribute) === 'name') return topic
  if (
    /^\p{L}+$/u.test(subject) &&
    /^(?:birthday|age|phone number|email|address|home|job|employer)$/u.test(classOf(attribute))
  )
    return topic
  return { subject: 'user', attribute: `${subject} ${attribute}` }
}

/** "my pets", "my wife": the name of one is the answer. */
function asWhole(attribute: string, fact: Topic): number {
  const words = nounWords(attribute).filter((word) => word !== 'name')
  const about = sameBeing(words.join(' '), fact.subject)
  if (about === 0) return 0
  return classOf(fact.attribute) === 'name' ? 0.9 * about : 0.45 * about
}

export function sameBeing(asked: string, kept: string): number {
  const [a, f] = [nounWords(asked).map(singular), nounWords(kept).map(singular)]
  if (a.length === 0 || f.length === 0) return 0
  if (a.join(' ') === f.join(' ')) return 1
  if (a.every((word) => f.includes(word)) || f.every((word) => a.includes(word))) return 0.9
  const [mine, theirs] = [a.findLast(isBeingWord), f.findLast(isBeingWord)]
  if (mine === undefined || theirs === undefined || areApart(mine, theirs)) return 0
  if (a.length > 1 && f.length > 1) return 0
  const [kind, other] = [kindOf(mine), kindOf(theirs)]
  if (kind === other) return 0.9
  return kind === 'pet' || other === 'pet' ? (areBothPets(mine, theirs) ? 0.8 : 0) : 0
}

function areBothPets(one: string, other: string): boolean {
  return [one, other].every((word) => PETS_AND_PET.has(word) || PETS_AND_PET.has(kindOf(word)))
}

const PETS_AND_PET: ReadonlySet<string> = new Set([
  'pet',
  'dog',
  'cat',
  'hamster',
  'rabbit',
  'bird',
  'turtle',
  'fish',
  'goldfish',
  'snake',
  'horse',
  'pony',
  'lizard',
  'ferret',
  'rat',
  'mouse',
  'chicken',
  'gecko',
])

function sameAttribute(asked: string, kept: string): number {
  const [a, f] = [classOf(asked), classOf(kept)]
  if (a === f) return 1
  const related = RELATED.get(`${a}>${f}`)
  if (related !== undefined) return related
  const [mine, theirs] = [attributeWords(a), attributeWords(f)]
  if (mine.length === 0 || theirs.length === 0) return 0
  const common = mine.filter((word) => theirs.includes(word))
  const heavy = (words: readonly string[]) =>
    words
      .filter((word) => !LIGHT.has(word))
      .toSorted()
      .join(' ')
  if (heavy(mine) !== '' && heavy(mine) === heavy(theirs)) return 0.85
  // "favorite dessert" may be among what the user likes
  if (mine[0] === 'favorite' && f === 'likes') return 0.6
  if (a === 'likes' && theirs[0] === 'favorite') return 0.55
  if (common.every((word) => LIGHT.has(word) || word === 'favorite')) return 0
  const general = common.length === mine.length ? mine : common.length === theirs.length ? theirs : undefined
  if (general === undefined) return (0.6 * common.length) / (mine.length + theirs.length - common.length)
  // What only says which one it was may be missing, but not what is asked for: "locker" is not the locker's code.
  const head = mine.at(-1) ?? ''
  if (general === theirs && !theirs.includes(head) && !LIGHT.has(head)) return 0.4
  // One is said in more words than the other: "code" and "locker code", "gym locker number" and "locker number".
  const share = general.length / Math.max(mine.length, theirs.length)
  return general === mine ? 0.5 + 0.4 * share : 0.4 + 0.5 * share
}

function attributeWords(attribute: string): string[] {
  return [...new Set(nounWords(attribute).map(singular))].filter(
    (word) => !/^(?:of|for|at|in|on|to|with|is|user)$/u.test(word),
  )
}
