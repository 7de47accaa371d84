/** What a least cosine lets through: entries that answer a question, and entries that have nothing to do with a message. */
import { Random } from '../../trainer/random.ts'
import type { Embed } from './retrieval-ranks.ts'
import type { NewcomerLine, RetrievalSet } from './retrieval-sets.ts'

/** Memories of one user. */
const REMEMBERED = 20

export interface GateShares {
  readonly least: number
  /** Of questions: the entry that answers is read. */
  readonly answers: number
  /** Of small talk, requests and questions about the world: at least one of a user's memories is read. */
  readonly falseOpenings: number
}

/** For each least cosine, over people's own words of one part. */
export async function gateShares(
  set: RetrievalSet,
  lines: readonly NewcomerLine[],
  part: NewcomerLine['part'],
  embed: Embed,
  cosines: readonly number[],
): Promise<GateShares[]> {
  const random = new Random('gate')
  const others = lines.filter((line) => line.part === part && /^(?:small talk|request|world)$/.test(line.kind))
  const told = lines
    .filter((line) => line.part === part && line.kind === 'told')
    .map(({ messages }) => messages.at(-1)!)
  const [questions, answers, messages, memories] = await Promise.all([
    embed(set.questions.map(({ text }) => text)),
    embed(set.questions.map(({ answer }) => set.entries[answer]!)),
    embed(others.map((line) => line.messages.at(-1)!)),
    embed(told),
  ])
  const right = questions.map((question, at) => cosine(question, answers[at]!))
  const wrong = messages.map((message) => {
    const own = random.shuffle([...memories]).slice(0, REMEMBERED)
    return Math.max(...own.map((memory) => cosine(message, memory)))
  })
  const share = (all: readonly number[], least: number): number => all.filter((one) => one >= least).length / all.length
  return cosines.map((least) => ({ least, answers: share(right, least), falseOpenings: share(wrong, least) }))
}

const cosine = (a: Float32Array, b: Float32Array): number => a.reduce((sum, x, i) => sum + x * b[i]!, 0)
