/** The encoder after the rules: it reads the sentences of which these say nothing, where there is something to hold them against. */
import { askedBy } from '../../memory/facts/asked-by.ts'
import { contentWords } from '../compare-values.ts'
import { isToUser, withoutLead } from '../person.ts'
import type { CheckedReply, Note, SentenceVerdict } from '../verdict.ts'
import type { ClaimEncoder } from './claim-encoder.ts'

/** Sentences of evidence that one sentence is held against, those with most words in common. */
const MAX_EVIDENCE = 8
/** Sentences of one reply that are read. */
const MAX_SENTENCES = 20
/** UTF-16 units of a question that are read. */
const MAX_QUESTION = 400

/** The verdicts with those of the encoder in the place of "unchecked"; `error` where it could not read a sentence. */
export async function encodeVerdicts(
  encoder: ClaimEncoder,
  owner: string,
  { question, facts, notes = [] }: CheckedReply,
  verdicts: readonly SentenceVerdict[],
): Promise<SentenceVerdict[]> {
  const known = unique([...facts.filter(({ holds }) => holds), ...notes])
  if (known.length === 0) return [...verdicts]
  const asks = question.endsWith('?') || askedBy(question).length > 0
  let left = MAX_SENTENCES
  const read = verdicts.map(async (verdict): Promise<SentenceVerdict> => {
    if (!isOpen(verdict, asks) || left-- <= 0) return verdict
    const evidence = nearest(known, `${question} ${verdict.text}`)
    try {
      const claim = { owner, question: question.slice(0, MAX_QUESTION), sentence: verdict.text, evidence }
      const found = await encoder.judge(claim)
      return found ? { ...verdict, ...decided(found) } : verdict
    } catch (error) {
      const reason = `the encoder failed: ${error instanceof Error ? error.message : String(error)}`
      return { ...verdict, verdict: 'error', facts: [], reason, invented: false }
    }
  })
  return Promise.all(read)
}

/** Whether a sentence may claim something about the user that no rule has decided. */
function isOpen({ verdict, facts, text }: SentenceVerdict, asks: boolean): boolean {
  const bare = withoutLead(text)
  return verdict === 'unchecked' && facts.length === 0 && bare !== '' && !bare.endsWith('?') && (asks || isToUser(bare))
}

function decided({ verdict, probability, evidence }: NonNullable<Awaited<ReturnType<ClaimEncoder['judge']>>>) {
  const { id, text } = evidence as Note
  const reason = `the user told: "${text}"; an encoder finds the sentence ${verdict} by it`
  return { verdict, probability, facts: [id], reason, invented: false }
}

/** Those with most words of weight in common, the last told first among equals; in the order in which they were told. */
function nearest(known: readonly Note[], text: string): Note[] {
  const words = new Set(contentWords(text))
  const scored = known.map((note, at) => {
    return { note, at, shared: contentWords(note.text).filter((word) => words.has(word)).length }
  })
  return scored
    .toSorted((a, b) => b.shared - a.shared || b.at - a.at)
    .slice(0, MAX_EVIDENCE)
    .toSorted((a, b) => a.at - b.at)
    .map(({ note }) => note)
}

/** One sentence may tell several facts. */
function unique(notes: readonly Note[]): Note[] {
  return notes.filter((note, at) => notes.findIndex(({ text }) => text === note.text) === at)
}
