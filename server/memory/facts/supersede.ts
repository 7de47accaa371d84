import type { Fact, Topic } from './fact.ts'
import { nounWords } from './noun-phrase.ts'
import { isBeing, isBeingWord, singular } from './vocabulary.ts'
import { areApart, classOf, kindOf } from './synonyms.ts'
import { isPastime } from './topic.ts'

/** Attributes of which a user has several at once: told values add up. */
const MANY =
  /^(?:likes|dislikes|allergies|allergy|cannot eat|pets?|languages?|hobby|hobbies|medication|condition|preference|uses|collection|number of .*|owns|learning|favorites|instruments?|sports?|description|fears?|skills?|children|kids|siblings|friends)$/u

/** Beings of which one has only one at a time, as people talk of them. */
const ONLY_ONE =
  /^(?:mom|mother|dad|father|husband|wife|spouse|partner|boyfriend|girlfriend|fianc\p{L}+|boss|manager|landlord|landlady|therapist|dentist|doctor|gp|best friend|roommate)$/u

/** Whether several values of the topic can hold at the same time. */
export function holdsMany(fact: { readonly subject: string; readonly attribute: string }): boolean {
  if (fact.attribute === 'name' && fact.subject !== 'user') return isBeing(fact.subject) && !ONLY_ONE.test(fact.subject)
  return MANY.test(fact.attribute)
}

/** What makes two facts of one topic: subject and attribute, with their synonyms folded. */
export function topicKey(fact: { readonly subject: string; readonly attribute: string }): string {
  const subject = nounWords(fact.subject).map(singular).join(' ')
  return `${subject}\n${classOf(fact.attribute)}`
}

/**
 * The facts that hold, of facts in the order in which they were told. The latest of a topic takes the place of the earlier
 * ones; of a topic that can have several values they add up, and a correction replaces the one told last. A withdrawal leaves
 * none of its topic, or none with its value where it names one.
 */
export function latest<F extends Fact>(facts: readonly F[]): F[] {
  let holding: F[] = []
  for (const fact of facts) {
    if (fact.kind === 'withdrawn') {
      holding = holding.filter((earlier) => !withdraws(fact, earlier))
      continue
    }
    const key = topicKey(fact)
    const rivals = holding.filter((earlier) => topicKey(earlier) === key)
    const replaced = holdsMany(fact) ? manyReplaced(fact, rivals) : rivals
    holding = [...holding.filter((earlier) => !replaced.includes(earlier)), fact]
  }
  return holding
}

function manyReplaced<F extends Fact>(fact: F, rivals: readonly F[]): F[] {
  const same = rivals.filter((earlier) => folded(earlier.value) === folded(fact.value))
  return fact.kind === 'corrected' && same.length === 0 ? rivals.slice(-1) : same
}

function withdraws(withdrawal: Fact, earlier: Fact): boolean {
  const isTopic =
    topicKey(withdrawal) === topicKey(earlier) ||
    // "forget my dog": everything about the dog
    (withdrawal.value === '' && isWithin(earlier, withdrawal)) ||
    isSameInOtherWords(withdrawal, earlier)
  return isTopic && (withdrawal.value === '' || isPart(withdrawal.value, earlier.value))
}

/** "Forget my aunt's allergy", and "my aunt can't eat nuts" was told; "my hobby is no longer chess", and "I like chess" was. */
function isSameInOtherWords(withdrawal: Fact, earlier: Fact): boolean {
  if (nounWords(withdrawal.subject).join(' ') !== nounWords(earlier.subject).join(' ')) return false
  const [gone, kept] = [classOf(withdrawal.attribute), classOf(earlier.attribute)]
  if (gone === kept || !IN_OTHER_WORDS.has(`${gone}>${kept}`)) return false
  // Of users themselves much is told that they like.
  return withdrawal.value !== '' || kept !== 'likes' || earlier.subject !== 'user' || isPastime(earlier.value)
}

/** Attributes by which one thing is told. */
const IN_OTHER_WORDS: ReadonlySet<string> = new Set([
  'allergy>cannot eat',
  'cannot eat>allergy',
  'diet>cannot eat',
  'hobby>likes',
  'likes>hobby',
  'sport>likes',
  'favorite food>likes',
])

/** Attributes by which what a turn takes back may have been told. */
export function otherWordsFor({ subject, attribute }: Topic): Topic[] {
  const gone = `${classOf(attribute)}>`
  const others = [...IN_OTHER_WORDS].filter((pair) => pair.startsWith(gone))
  return others.map((pair) => ({ subject, attribute: pair.slice(gone.length) }))
}

/** Whether a topic is about a thing of the user's, or part of it: all of that goes with the thing. */
export function isWithin(topic: Topic, { subject, attribute }: Topic): boolean {
  return subject === 'user' && (isAbout(topic, attribute) || isPartOf(topic, attribute) || isNarrower(topic, attribute))
}

/** "Forget my locker combination", and "my locker combination at the depot" was told. */
function isNarrower({ subject, attribute }: Topic, thing: string): boolean {
  const [words, end] = [nounWords(attribute).map(singular), nounWords(thing).map(singular)]
  const isLonger = subject === 'user' && end.length > 1 && words.length > end.length
  return isLonger && end.every((word, i) => words[words.length - end.length + i] === word)
}

function isAbout(earlier: Topic, thing: string): boolean {
  const subject = nounWords(earlier.subject).map(singular)
  const words = nounWords(thing).map(singular)
  if (words.every((word) => subject.includes(word))) return true
  // "forget my boyfriend" is about the partner who was told of.
  return (
    words.length === 1 &&
    subject.some(
      (word) => kindOf(word) === kindOf(words[0] ?? '') && isBeingWord(word) && !areApart(word, words[0] ?? ''),
    )
  )
}

/** "I sold my car", and "my car's license plate" goes with it; a phone number outlives a phone. */
function isPartOf({ subject, attribute }: Topic, thing: string): boolean {
  if (subject !== 'user' || /^(?:phone|cell|mobile|e-?mail|mail|home|work|job) /u.test(attribute)) return false
  const [words, start] = [nounWords(attribute).map(singular), nounWords(thing).map(singular)]
  return start.length > 0 && start.length < words.length && start.every((word, i) => words[i] === word)
}

function isPart(said: string, kept: string): boolean {
  const [gone, known] = [nounWords(said), nounWords(kept)]
  const isWithinIt = known.length > 0 && known.every((word) => gone.includes(word))
  // "Mac and cheese" was read as two.
  return (
    folded(said) === folded(kept) || gone.every((word) => known.includes(word)) || (isWithinIt && / and /iu.test(said))
  )
}

function folded(value: string): string {
  return value.normalize('NFKC').toLowerCase()
}
