/** What is served of a reply that was checked. Whatever takes its place says only what the user told, or that nothing was. */
import { askedBy } from '../memory/facts/asked-by.ts'
import type { Topic } from '../memory/facts/fact.ts'
import { factsAbout } from './check-reply.ts'
import { inSecondPerson } from './person.ts'
import type { KnownFact, SentenceVerdict } from './verdict.ts'

/**
 * What is done with a reply that says otherwise than was told, or gives a value to what never was:
 * `annotate` keeps it, with its verdicts; `abstain` says that it is not sure, with the user's sentence; `quote` gives that
 * sentence as the answer, also where the reply has none; `retry` has another reply made; `rollback` takes the turn back.
 */
export const POLICIES = ['annotate', 'abstain', 'quote', 'retry', 'rollback'] as const
export type Policy = (typeof POLICIES)[number]

export type Decision =
  | { readonly action: 'keep' }
  /** `told`: the user's sentences that the wrong ones rest on, or that answer what is asked. */
  | { readonly action: 'retry'; readonly told: readonly string[] }
  | { readonly action: 'rollback' }
  /** `facts`: ids of those that the text rests on. */
  | { readonly action: 'replace'; readonly text: string; readonly facts: readonly string[] }

const KEEP: Decision = { action: 'keep' }

/** `mayMiss`: not all that was told is among the facts, so that nobody can say that something was not. */
export function decide(
  policy: Policy,
  verdicts: readonly SentenceVerdict[],
  facts: readonly KnownFact[],
  question: string,
  mayMiss = false,
): Decision {
  if (policy === 'annotate') return KEEP
  const asked = askedBy(question)
  const wrong = verdicts.filter(({ verdict, invented }) => verdict === 'contradicted' || invented)
  if (wrong.length === 0)
    return policy === 'quote' && (lacks(asked, verdicts, facts) || (!mayMiss && evades(asked, verdicts, facts)))
      ? quote(asked, facts, [])
      : KEEP
  if (policy === 'rollback') return { action: policy }
  // What is asked is answered; where nothing is, what the wrong sentences are about is put right.
  const topics = asked.length > 0 ? asked : wrong.flatMap(({ topic }) => (topic ? [topic] : []))
  const rested = facts.filter(({ id }) => wrong.some((verdict) => verdict.facts.includes(id)))
  if (policy === 'retry') {
    const known = unique([...topics.flatMap((topic) => holding(topic, facts)), ...rested.filter(({ holds }) => holds)])
    return { action: 'retry', told: known.map(({ text }) => text) }
  }
  return policy === 'quote' ? quote(topics, facts, rested) : abstain(topics, facts, rested)
}

/** True where something is asked that was told, and no sentence holds it. */
function lacks(asked: readonly Topic[], verdicts: readonly SentenceVerdict[], facts: readonly KnownFact[]): boolean {
  return asked.some((topic) => {
    const known = holding(topic, facts)
    const isSaid = verdicts.some(
      ({ verdict, facts }) => verdict === 'supported' && known.some(({ id }) => facts.includes(id)),
    )
    return known.length > 0 && !isSaid
  })
}

/** True where nothing that is asked was told, and the reply does not say so. */
function evades(asked: readonly Topic[], verdicts: readonly SentenceVerdict[], facts: readonly KnownFact[]): boolean {
  const isUnknown = asked.length > 0 && asked.every((topic) => holding(topic, facts).length === 0)
  return isUnknown && !verdicts.some(({ verdict }) => verdict === 'supported')
}

/** 'You told me: "My locker code is 4071."'; where nothing was told of a topic, that. `otherwise`: facts where no topic is known. */
function quote(topics: readonly Topic[], facts: readonly KnownFact[], otherwise: readonly KnownFact[]): Decision {
  return answer(topics, facts, otherwise, (told) => `You told me: ${quoted(told)}`)
}

function abstain(topics: readonly Topic[], facts: readonly KnownFact[], otherwise: readonly KnownFact[]): Decision {
  return answer(topics, facts, otherwise, (told) => `I am not sure: what you told me was ${quoted(told)}`)
}

function answer(
  topics: readonly Topic[],
  facts: readonly KnownFact[],
  otherwise: readonly KnownFact[],
  say: (told: readonly KnownFact[]) => string,
): Decision {
  const sets = topics.map((topic) => ({ topic, known: holding(topic, facts) }))
  const about = sets.flatMap(({ known }) => known)
  // What a wrong sentence was found wrong by was told, though no rule sees that it answers the question.
  const told = unique(about.length > 0 ? about : otherwise.filter(({ holds }) => holds))
  const unknown = about.length === 0 && told.length > 0 ? [] : sets.filter(({ known }) => known.length === 0)
  const missing = unknown.map(({ topic }) => inSecondPerson(topic))
  const sentences = [
    ...(told.length > 0 ? [say(told)] : []),
    ...[...new Set(missing)].map((name) => `You have not told me ${name}.`),
  ]
  const text = sentences.length > 0 ? sentences.join(' ') : 'You have not told me that.'
  return { action: 'replace', text, facts: told.map(({ id }) => id) }
}

/** The facts that hold about a topic, in the order in which they were told. */
function holding(topic: Topic, facts: readonly KnownFact[]): KnownFact[] {
  return factsAbout(topic, facts)
    .filter(({ holds }) => holds)
    .toReversed()
}

/** One sentence may tell several facts. */
export function unique(facts: readonly KnownFact[]): KnownFact[] {
  return facts.filter((fact, at) => facts.findIndex(({ text }) => text === fact.text) === at)
}

/** '"My locker code is 4071."' */
export function quoted(facts: readonly KnownFact[]): string {
  return facts.map(({ text }) => `"${text}"`).join(' ')
}
