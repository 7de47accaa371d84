/** What a sentence of a reply claims about the user, read by the rules that read the user's own sentences. */
import { askedBy } from '../memory/facts/asked-by.ts'
import type { Topic } from '../memory/facts/fact.ts'
import { toldBy } from '../memory/facts/told-by.ts'
import { sameTopic } from '../memory/facts/topic.ts'
import { inFirstPerson, isToUser, withoutLead } from './person.ts'

/** How sure `sameTopic` has to be: "code" is not the locker code, another word for the same attribute is. */
export const SAME_TOPIC = 0.6

/** A value that a sentence gives to a topic. `isDenied`: it says that the value does not hold. */
export interface Claim {
  readonly topic: Topic
  readonly value: string
  readonly isDenied: boolean
}

/** A claim, a denial that something was told (of no topic where the sentence names none), or nothing about the user. */
export type Content =
  | { readonly kind: 'claims'; readonly claims: readonly Claim[] }
  | { readonly kind: 'denial'; readonly topics: readonly Topic[] }
  | { readonly kind: 'nothing' }

const NOT_TOLD =
  /\b(?:you\s(?:have\s|'ve\s)?(?:not|never|haven't|didn't|did not|have not|have never|'ve not|'ve never)\s(?:yet\s|actually\s|ever\s)?(?:told|tell|mentioned|mention|said|say|shared|share|given|give|provided|provide)|you (?:never|haven't|didn't) (?:\w+\s)?(?:told|tell|mention(?:ed)?|said|say|shared?|gave|given?)|i (?:do not|don't|did not|didn't|cannot|can't|could not|couldn't)\s(?:yet\s|currently\s|actually\s|really\s)?(?:know|remember|recall|have|find)|i (?:have|'ve|'ve got|have got) no (?:record|information|idea|memory|note|notes|data|knowledge)|i'm not (?:sure|aware)|i am not (?:sure|aware)|i'm unsure|no (?:record|information) (?:of|about|on))\b/iu
const DENIED_THING =
  /\b(?:told|tell|mentioned|mention|said|say|shared?|given?|provided?|know|remember|recall|have|find|record|information|idea|memory|notes?|data|sure|aware|unsure)\b(?:\s(?:me|to me|with me|any|information|record|a record|details|yet|saved|stored|access to|what|when|who|which|that|about|of|on|for))*\s(?<thing>(?:your|where you|how|when you|the|you)\b.*)$/iu
const ELLIPTIC =
  /^(?:it'?s|it is|it was|that'?s|that is|that would be|they'?re|they are|this is)\s+(?:called\s|named\s|on\s|at\s)?(?<value>.+)$/iu
const OWNED = /^(?:his|her|its|their)\s+(?=\p{L}+(?:\s\p{L}+)?\s(?:is|are)\b)/iu
/** "My name is Keeper" is about who replies. */
const OF_ITSELF = /^(?:i|i'm|i've|i'll|i'd|my|we|our)\b/iu
const PRONOUN = /^(?:he|she|they|it)(?='s|'re|\s)/iu
/** A bare value is short, and no sentence: "Teal.", "Room 312!" */
const MAX_BARE_WORDS = 5
const SENTENCE_WORD =
  /\b(?:is|are|was|were|am|have|has|had|do|does|did|can|could|will|would|should|i|you|your|i'm|we|let|please|thanks?|sorry|sounds?|welcome|sure|how|what|why|bye|yes|no)\b|\?\s*$/iu

/** Reads a sentence of a reply to a question that asks for `asked`. Without "you" or "your" it has to be about a topic of `known`. */
export function contentOf(sentence: string, asked: readonly Topic[], known: readonly Topic[]): Content {
  const bare = withoutLead(sentence)
  const denied = denialIn(bare, asked)
  if (denied) return { kind: 'denial', topics: denied }
  if (bare === '' || bare.endsWith('?') || (OF_ITSELF.test(bare) && !isToUser(bare))) return { kind: 'nothing' }
  const [topic] = asked
  const resolved = topic && topic.subject !== 'user' ? withSubject(bare, topic.subject) : bare
  const claims = readClaims(inFirstPerson(resolved))
  const meant = claims.filter(({ topic }) => isToUser(resolved) || isAmong(topic, [...asked, ...known]))
  if (meant.length > 0) return { kind: 'claims', claims: meant }
  const value = topic && ellipticValue(bare)
  if (!value) return isToUser(bare) ? { kind: 'claims', claims: [] } : { kind: 'nothing' }
  return { kind: 'claims', claims: [{ topic, value, isDenied: false }] }
}

function readClaims(sentence: string): Claim[] {
  return toldBy(sentence).facts.map(({ subject, attribute, value, kind }) => {
    return { topic: { subject, attribute }, value, isDenied: kind === 'withdrawn' }
  })
}

/** The topics that a sentence says it was not told; the question's where it names none. */
function denialIn(sentence: string, asked: readonly Topic[]): readonly Topic[] | undefined {
  if (!NOT_TOLD.test(sentence)) return undefined
  const thing = DENIED_THING.exec(sentence)?.groups?.['thing']?.replace(
    /(?:\s(?:yet|so far|before|is|are))*[.!,]*$/iu,
    '',
  )
  const about = thing === undefined ? [] : askedBy(questionOf(inFirstPerson(thing)))
  return about.length > 0 ? about : asked
}

function questionOf(thing: string): string {
  return /^(?:where|when|how|what|who)\b/iu.test(thing) ? `Do you know ${thing}?` : `What is ${thing}?`
}

function withSubject(sentence: string, subject: string): string {
  const owner = subject.startsWith('the ') ? subject : `your ${subject}`
  return sentence.replace(OWNED, `${owner}'s `).replace(PRONOUN, owner)
}

function isAmong(topic: Topic, topics: readonly Topic[]): boolean {
  return topics.some((one) => sameTopic(one, topic) >= SAME_TOPIC)
}

function ellipticValue(sentence: string): string | undefined {
  const text = sentence.replace(/[\s.!]+$/u, '')
  const whole = ELLIPTIC.exec(text)?.groups?.['value']
  if (whole !== undefined) return whole
  const words = text.split(/\s+/u).length
  return text !== '' && words <= MAX_BARE_WORDS && !SENTENCE_WORD.test(text) ? text : undefined
}
