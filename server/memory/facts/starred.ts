/** Words with a star: what people write for a word that they mistyped, or that was not the one they meant. */
import { isCommon } from '../search-words.ts'
import { wordsOf } from '../words.ts'
import type { Fact } from './fact.ts'
import { isMisspelled } from './revised-value.ts'
import { holdsMany } from './supersede.ts'

/** "Walnuts*", right after "I'm allergic to almonds": the word that was meant. "* buy milk" is of a list. */
const STARRED = /^\s*(?:\*(?<after>[\p{L}\p{N}][^*]{1,30})|(?<before>[\p{L}\p{N}][^*]{1,30})\*)\s*$/u
/** Reactions are no values. */
const REACTION =
  /^(?:lo+l|lmao|rofl|ha(?:ha)*|sighs?|yawns?|shrugs?|thanks?|thx|ty|sorry|ok(?:ay)?|yes|no|cries|laughs?|smiles?|grins?|hugs?|nods?|facepalm|wow|ugh)\b/iu

/** "f*" */
const LETTER = /^\W*\p{L}\*\W*$/u

/** "lol*", "f*": with a star, and no word that was meant. */
export function isReaction(message: string): boolean {
  const { after, before } = STARRED.exec(message)?.groups ?? {}
  return LETTER.test(message) || REACTION.test(after ?? before ?? '')
}

/** Whether a message is a starred word, or a few. */
export const isStarred = (message: string): boolean => STARRED.test(message)

/**
 * A starred word in the place of what was told last of `recent`; undefined where it may be anything else: a reaction, the spelling of a word
 * that was no value, or one of several values.
 */
export function starredAfter(message: string, recent: readonly Fact[]): Fact[] | undefined {
  const last = recent.at(-1)
  const found = STARRED.exec(message)?.groups
  const value = found?.['after'] ?? found?.['before']
  if (value === undefined || !last || REACTION.test(value) || isCommon(value.toLowerCase())) return undefined
  if (wordsOf(value).length > 3 || !isOfOneKind(value, last.value)) return undefined
  if (recent.filter(({ sentence }) => sentence.text === last.sentence.text).length > 1) return undefined
  const isOneWord = !/\s/u.test(last.value.trim())
  if (wordsOf(last.sentence.text).some((word) => isMisspelled(word, value) && !(isOneWord && names(last.value, word))))
    return undefined
  const sentence = { text: message.trim(), start: 0, end: message.length }
  const next: Fact = { ...last, value, sentence, confidence: 0.8, kind: holdsMany(last) ? 'told' : 'corrected' }
  return holdsMany(last) ? [{ ...last, kind: 'withdrawn' }, next] : [next]
}

const names = (value: string, word: string): boolean => wordsOf(value).includes(word)

/** Numbers take the place of numbers, names of names. */
const isOfOneKind = (one: string, other: string): boolean =>
  /\d/u.test(one) === /\d/u.test(other) && /^\p{Lu}/u.test(one) === /^\p{Lu}/u.test(other)
