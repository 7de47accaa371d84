/** Texts of several requests that wait to be embedded: which are computed together, and in which order. */
import type { EncodedText } from '../../runtime/post-processor.ts'
import { OwnerClock } from '../engine/owner-clock.ts'
import type { EmbedQuestion, RefusedInput } from './messages.ts'

/** Texts and tokens of one round: more are no faster, and keep others waiting. */
const ROUND_TEXTS = 32
const ROUND_TOKENS = 1024

/** Reads an input of a question as tokens. */
export type ReadInput = (question: EmbedQuestion, index: number) => EncodedText | RefusedInput

/** Texts that are computed together. */
export interface Round {
  readonly folder: string
  readonly texts: readonly EncodedText[]
  /** Takes the vectors of the texts, in their order; returns the questions that now have all of theirs. */
  settle(vectors: readonly Float32Array[]): Answered[]
  /** The texts cannot be computed: takes out their questions, and returns which. */
  drop(): number[]
}

export interface Answered {
  readonly id: number
  /** In the order of the inputs. */
  readonly vectors: readonly Float32Array[]
  /** That were read for them in all. */
  readonly tokens: number
}

interface Job {
  readonly question: EmbedQuestion
  readonly vectors: Float32Array[]
  /** Inputs that have been taken. */
  taken: number
  tokens: number
}

interface Taken {
  readonly job: Job
  readonly index: number
  readonly text: EncodedText
}

export class TextQueue {
  readonly #jobs = new Map<number, Job>()
  readonly #clock = new OwnerClock()
  readonly #read: ReadInput
  readonly #refuse: (id: number, refused: RefusedInput) => void

  /** `refuse` is told of each question that has an input which cannot be read; the question is then out. */
  constructor(read: ReadInput, refuse: (id: number, refused: RefusedInput) => void) {
    this.#read = read
    this.#refuse = refuse
  }

  add(question: EmbedQuestion): void {
    this.#clock.enter(question.owner)
    this.#jobs.set(question.id, { question, vectors: [], taken: 0, tokens: 0 })
  }

  /** Takes a question out: its client has gone, or it was answered. Does nothing if it is out already. */
  remove(id: number): void {
    const job = this.#jobs.get(id)
    if (!job) return
    this.#jobs.delete(id)
    this.#clock.leave(job.question.owner)
  }

  /** The texts that are computed next, all for one bundle; null where nothing is left. */
  take(): Round | null {
    const taken: Taken[] = []
    let tokens = 0
    while (taken.length < ROUND_TEXTS && tokens < ROUND_TOKENS) {
      const one = this.#next(taken[0]?.job.question.folder ?? null)
      if (!one) break
      tokens += one.text.ids.length
      taken.push(one)
    }
    return taken[0] ? this.#roundOf(taken[0].job.question.folder, taken) : null
  }

  /** The next input of the oldest question of the owner who had least; of one bundle if `folder` is given. */
  #next(folder: string | null): Taken | null {
    for (;;) {
      const job = this.#first(folder)
      if (!job) return null
      const { question, taken: index } = job
      const text = this.#read(question, index)
      if ('reason' in text) {
        this.remove(question.id)
        this.#refuse(question.id, text)
        continue
      }
      job.taken++
      job.tokens += text.ids.length
      this.#clock.charge(question.owner, text.ids.length)
      return { job, index, text }
    }
  }

  #first(folder: string | null): Job | undefined {
    const given = ({ question }: Job): number => this.#clock.given(question.owner)
    let first: Job | undefined
    for (const job of this.#jobs.values()) {
      const { inputs, folder: own } = job.question
      if (job.taken === inputs.length || (folder ?? own) !== own) continue
      if (!first || given(job) < given(first)) first = job
    }
    return first
  }

  #roundOf(folder: string, taken: readonly Taken[]): Round {
    const jobs = [...new Set(taken.map(({ job }) => job))]
    return {
      folder,
      texts: taken.map(({ text }) => text),
      settle: (vectors) => {
        for (const [at, { job, index }] of taken.entries()) job.vectors[index] = vectors[at]!
        const complete = jobs.filter(({ question, taken: count }) => count === question.inputs.length)
        return this.#still(complete).map(({ question, vectors: all, tokens }) => {
          this.remove(question.id)
          return { id: question.id, vectors: all, tokens }
        })
      },
      drop: () =>
        this.#still(jobs).map(({ question: { id } }) => {
          this.remove(id)
          return id
        }),
    }
  }

  /** Those that nobody has taken out meanwhile. */
  #still(jobs: readonly Job[]): Job[] {
    return jobs.filter((job) => this.#jobs.get(job.question.id) === job)
  }
}
