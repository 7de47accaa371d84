/** Answers to questions that people have judged: true or not (lines of {prompt: "Q: ...\nA: ...\nTrue:", completion}). */
import { readFile } from 'node:fs/promises'
import { Random } from '../../random.ts'
import type { Part } from '../notes/values.ts'
import { DataError } from '../batch.ts'
import type { Claim } from './claim.ts'

/** The share of questions that is kept aside. */
const HELD_OUT = 0.2
const LINE = /^Q: (?<question>[^]*?)\nA: (?<answer>[^]*)\nTrue:$/u

/** The judged answers of a file, each once. Throws DataError for a line that is none. */
export async function readJudged(file: string): Promise<Claim[]> {
  const lines = (await readFile(file, 'utf8')).split('\n').filter((line) => line !== '')
  return [...new Set(lines)].map((line) => {
    const { prompt, completion } = JSON.parse(line) as { prompt?: unknown; completion?: unknown }
    const found = typeof prompt === 'string' ? LINE.exec(prompt)?.groups : undefined
    if (!found || typeof completion !== 'string')
      throw new DataError(`${file}: expected lines with a prompt of a question and an answer, got ${line.slice(0, 80)}`)
    const label = completion.trim() === 'yes' ? 'supported' : 'contradicted'
    return { kind: 'judged', evidence: found['question']!, question: '', sentence: found['answer']!, label }
  })
}

/** Those of one part: a question's answers are all in the same one. */
export function judgedPart(claims: readonly Claim[], part: Part, seed: number): Claim[] {
  const questions = new Random(`judged ${seed}`).shuffle([...new Set(claims.map(({ evidence }) => evidence))])
  const kept = new Set(questions.slice(0, Math.round(questions.length * HELD_OUT)))
  return claims.filter(({ evidence }) => kept.has(evidence) === (part === 'heldout'))
}
