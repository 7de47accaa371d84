import type { Topic } from './fact.ts'
import { isBeing, isBeingWord, spelled } from './vocabulary.ts'

/** Words of a noun phrase that say nothing about which one is meant. */
const DETERMINERS =
  /^(?:my|our|the|a|an|your|his|her|their|this|that|these|those|new|current|own|actual|present|very|lovely|dear|two|three|four|both)$/u
const MAX_WORDS = 8

/** The words of a noun phrase: lower case, one spelling, without articles and possessives. */
export function nounWords(phrase: string): string[] {
  const plain = phrase
    .normalize('NFKC')
    .toLowerCase()
    .replaceAll('’', "'")
    .replaceAll(/[^\p{L}\p{M}\p{N}'@#&+ -]/gu, ' ')
  return plain
    .split(/\s+/u)
    .filter((word) => word !== '' && !DETERMINERS.test(word))
    .map((word) => spelled(word))
    .slice(0, MAX_WORDS)
}

/** "sister's birthday", "name of my dog", "wifi password at the cabin" or "locker code" as a topic of the user's. */
export function topicOf(phrase: string): Topic {
  const words = nounWords(phrase)
  const link = words.findIndex(
    (word, i) => i > 0 && i < words.length - 1 && /^(?:of|for|to|at|in|on|with)$/u.test(word),
  )
  if (link > 0) return linked(words.slice(0, link), words[link] ?? '', words.slice(link + 1))
  const owner = words.findLastIndex((word, i) => i < words.length - 1 && /(?:'s|s')$/u.test(word))
  if (owner >= 0) return owned(words.slice(0, owner + 1).map(unowned), words.slice(owner + 1))
  // "dog name" without its 's
  const being = words.findIndex((word, i) => i < words.length - 1 && isBeingWord(word))
  if (being >= 0 && isAttributeOfBeing(words.slice(being + 1).join(' '))) {
    return owned(words.slice(0, being + 1), words.slice(being + 1))
  }
  return { subject: 'user', attribute: words.map(unowned).join(' ') }
}

function linked(what: string[], by: string, of: string[]): Topic {
  if (by === 'of' && /^(?:birth|work|residence|living)$/u.test(of.join(' '))) {
    return { subject: 'user', attribute: [...what, by, ...of].join(' ') }
  }
  if (by === 'with') return { subject: 'user', attribute: [...what, by, ...of].join(' ') }
  const inner = of.findLastIndex((word, i) => i < of.length - 1 && word.endsWith("'s"))
  if (inner >= 0) return owned(of.slice(0, inner + 1).map(unowned), [...of.slice(inner + 1), ...what])
  return owned(of.map(unowned), what.map(unowned))
}

/** Beings, and everything that has a name, are subjects of their own; other things are part of the attribute. */
function owned(owner: string[], what: string[]): Topic {
  const of = owner.join(' ')
  const attribute = what.map(unowned).join(' ')
  if (/^(?:user|me|i|mine)$/u.test(of)) return { subject: 'user', attribute }
  if (isBeing(of) && attribute === 'number') return { subject: of, attribute: 'phone number' }
  if (isBeing(of) || attribute === 'name') return { subject: of, attribute }
  return { subject: 'user', attribute: `${of} ${attribute}` }
}

function unowned(word: string): string {
  return word.replace(/'s$|(?<=s)'$/u, '')
}

function isAttributeOfBeing(attribute: string): boolean {
  return /^(?:name|age|birthday|phone|number|phone number|breed|job|email|address|nickname|middle name|last name|surname)$/u.test(
    attribute,
  )
}
