/** Statements with a definite noun phrase: "the safe word is ziour". Whose it is, another telling of the same topic says. */
import { opened } from './clauses.ts'
import type { Fact, Sentence } from './fact.ts'
import { topicOf } from './noun-phrase.ts'
import { plainOf } from './plain.ts'
import { EMPTY_NOUNS } from './vocabulary.ts'
import { valueSpan } from './values.ts'

const DEFINITE =
  /^(?:the|our)\s+(?<np>[\p{L}\p{N}'’&-]+(?: [\p{L}\p{N}'’&-]+){0,4}?)(?<by>\s*[:=]|\s+(?:is|are|will be)(?:\s+now)?)\s+(?<value>\S.{0,100}?)[.!\s]*$/diu

/** "Use Silva & Sons for the pharmacy now" */
const USE =
  /^use (?<value>\S.{0,60}?) (?:for|as) (?:the|my|our) (?<np>[\p{L}\p{N}'’&-]+(?: [\p{L}\p{N}'’&-]+){0,3}?)(?: now)?[.!\s]*$/diu

/** As a fact of the user; undefined where the sentence has another form. "The cat is black" says how a thing is, not what it is called. */
export function definiteFact(sentence: Sentence): Fact | undefined {
  const plain = plainOf(sentence.text)
  const { start } = opened(plain, { start: 0, end: plain.length })
  const used = USE.exec(plain.slice(start))
  const match = used ?? DEFINITE.exec(plain.slice(start))
  const { np = '', by = '' } = match?.groups ?? {}
  const place = match?.indices?.groups?.['value']
  const topic = topicOf(np)
  const isAssigned = used !== null || /[:=]/u.test(by)
  if (!place || topic.attribute === '' || EMPTY_NOUNS.has(topic.attribute)) return undefined
  if (!isAssigned && topic.subject === 'user' && !topic.attribute.includes(' ')) return undefined
  const span = valueSpan(plain, { start: start + place[0], end: start + place[1] }, 'text')
  if (!span) return undefined
  return { ...topic, value: sentence.text.slice(span.start, span.end), kind: 'told', sentence, confidence: 0.6 }
}
