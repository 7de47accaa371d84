/** Verdicts over a reply by rules: its claims about the user against what the user told. No model takes part in it. */
import { askedBy } from '../memory/facts/asked-by.ts'
import type { Topic } from '../memory/facts/fact.ts'
import { sentencesOf } from '../memory/facts/sentences.ts'
import { holdsMany } from '../memory/facts/supersede.ts'
import { sameTopic } from '../memory/facts/topic.ts'
import { contentOf, SAME_TOPIC, type Claim } from './claims.ts'
import { compareValues, mentions, otherNumber } from './compare-values.ts'
import { inSecondPerson } from './person.ts'
import { retelling } from './retelling.ts'
import type { CheckedReply, KnownFact, Note, SentenceVerdict } from './verdict.ts'

type Finding = Omit<SentenceVerdict, 'text' | 'start' | 'end'>

/** UTF-16 units that are read: what follows in a longer text is no answer about the user. */
const MAX_QUESTION = 4_000
const MAX_REPLY = 16_000

/** The verdict of each sentence of the reply's first 16,000 units, up to 200 of at most 400 units each. */
export function checkReply({ question, reply, facts, notes = [] }: CheckedReply): SentenceVerdict[] {
  const asked = askedBy(question.slice(0, MAX_QUESTION))
  return sentencesOf(reply.slice(0, MAX_REPLY)).map((sentence) => ({
    ...sentence,
    ...check(sentence.text, asked, facts, notes),
  }))
}

/** The facts about a topic, those told last first. */
export function factsAbout<F extends Topic>(topic: Topic, facts: readonly F[]): F[] {
  return facts.filter((fact) => sameTopic(topic, fact) >= SAME_TOPIC).toReversed()
}

function check(
  sentence: string,
  asked: readonly Topic[],
  facts: readonly KnownFact[],
  notes: readonly Note[],
): Finding {
  const content = contentOf(sentence, asked, facts)
  if (content.kind === 'denial') return checkDenial(content.topics, facts)
  const told = retelling(sentence, [...facts.filter(({ holds }) => holds), ...notes])
  if (told) return { ...finding(told.verdict, [told.id], told.reason), topic: factTopic(told.id, facts) }
  if (content.kind === 'nothing') return finding('unchecked', [], 'the sentence claims nothing about the user')
  const findings = content.claims.map((claim) => checkClaim(claim, asked, facts))
  const contradicted = findings.find(({ verdict }) => verdict === 'contradicted')
  // "You used to live in Oslo, now you live in Bodø": what holds is said too.
  const held = heldIn(sentence, asked, facts)
  if (held && (!contradicted || PAST.test(sentence)) && !DENIES.test(sentence)) return held
  if (contradicted) return contradicted
  const open = findings.find(({ verdict }) => verdict === 'unchecked')
  return (
    open ??
    findings[0] ??
    otherNumberIn(sentence, asked, facts) ??
    finding('unchecked', [], 'no rule reads the sentence')
  )
}

const PAST = /\b(?:used to|no longer|any ?more|previously|formerly|earlier|before|now)\b/iu
const DENIES = /(?:\b(?:not|never|no)\b|n't\b)/iu

function checkDenial(topics: readonly Topic[], facts: readonly KnownFact[]): Finding {
  const [topic] = topics
  if (!topic) return finding('unchecked', [], 'the sentence does not say what it does not know')
  const [fact] = factsAbout(topic, facts).filter(({ holds }) => holds)
  if (fact) return { ...finding('contradicted', [fact.id], `${told(fact)}; the reply says that it was not`), topic }
  return { ...finding('supported', [], `the user has not told ${inSecondPerson(topic)}`), topic }
}

function checkClaim({ topic, value, isDenied }: Claim, asked: readonly Topic[], facts: readonly KnownFact[]): Finding {
  const about = factsAbout(topic, facts)
  const isAnswer = asked.some((one) => sameTopic(one, topic) >= SAME_TOPIC)
  const holding = about.filter(({ holds }) => holds)
  const same = holding.find((fact) => value === '' || compareValues(fact.value, value) === 'same')
  if (isDenied) return { ...denied(same), topic }
  if (same) return { ...finding('supported', [same.id], told(same)), topic }
  const opposite = facts.find(
    (fact) => fact.holds && isOpposite(topic, fact) && compareValues(fact.value, value) === 'same',
  )
  if (opposite) return { ...finding('contradicted', [opposite.id], against(opposite, value)), topic }
  const stale = about.find((fact) => !fact.holds && compareValues(fact.value, value) === 'same')
  if (stale) return { ...finding('contradicted', [(holding[0] ?? stale).id], outdated(stale, holding[0])), topic }
  const [fact] = holding
  if (!fact) return { ...finding('unchecked', [], 'never told'), topic, invented: true }
  const unclear = holding.find((one) => compareValues(one.value, value) === 'unclear')
  if (unclear)
    return {
      ...finding('unchecked', [unclear.id], `${told(unclear)}; the reply may say more, or something else`),
      topic,
    }
  if (holdsMany(fact) && !isAnswer) return { ...finding('unchecked', [], 'never told'), topic, invented: true }
  return { ...finding('contradicted', [fact.id], against(fact, value)), topic }
}

function denied(fact: KnownFact | undefined): Finding {
  return fact
    ? finding('contradicted', [fact.id], `${told(fact)}; the reply says that it is not so`)
    : finding('unchecked', [], 'the user has told nothing that decides it')
}

/** A sentence that has the value of a fact which was asked for, however it is built. */
function heldIn(sentence: string, asked: readonly Topic[], facts: readonly KnownFact[]): Finding | undefined {
  for (const topic of asked) {
    const fact = factsAbout(topic, facts).find(({ holds, value }) => holds && mentions(sentence, value))
    if (fact) return { ...finding('supported', [fact.id], told(fact)), topic }
  }
  return undefined
}

/** A sentence that no rule reads, with another number or address than the one that was told of what is asked. */
function otherNumberIn(sentence: string, asked: readonly Topic[], facts: readonly KnownFact[]): Finding | undefined {
  for (const topic of asked) {
    const [fact] = factsAbout(topic, facts).filter(({ holds }) => holds)
    const said = fact && otherNumber(fact.value, sentence)
    if (fact && said !== undefined) return { ...finding('contradicted', [fact.id], against(fact, said)), topic }
  }
  return undefined
}

const OPPOSITE: readonly (readonly string[])[] = [
  ['likes', 'dislikes'],
  ['likes', 'cannot eat'],
]

function isOpposite(topic: Topic, fact: Topic): boolean {
  const pair = [topic.attribute, fact.attribute]
  return topic.subject === fact.subject && OPPOSITE.some((both) => both.every((one) => pair.includes(one)))
}

function factTopic(id: string, facts: readonly KnownFact[]): Topic | null {
  const fact = facts.find((one) => one.id === id)
  return fact ? { subject: fact.subject, attribute: fact.attribute } : null
}

function finding(verdict: SentenceVerdict['verdict'], facts: readonly string[], reason: string): Finding {
  return { verdict, facts, reason, invented: false, topic: null }
}

function told({ text }: KnownFact): string {
  return `the user told: "${text}"`
}

function against(fact: KnownFact, value: string): string {
  return `${told(fact)}; the reply says "${value}"`
}

function outdated(stale: KnownFact, now: KnownFact | undefined): string {
  return now
    ? `${told(now)}; "${stale.value}" was told before and does not hold any more`
    : `"${stale.value}" does not hold any more`
}
