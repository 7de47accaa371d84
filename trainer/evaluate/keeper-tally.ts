/** Counts the answers of one condition, number of facts and distance. */
import type { Fact, Turn } from '../data/keeper/chat.ts'
import { type Share, shareOf } from './interval.ts'
import { admitsIgnorance, chanceOf, holdsValue } from './keeper-score.ts'

/**
 * What is tested. `train`: values that training may have shown; `heldout`: values that it never showed; `unseen`: such
 * values in wordings that it never showed; `corrected`: such values, told anew once; `untold`: nothing was told, and
 * the right answer is not to know.
 */
export const conditions = ['train', 'heldout', 'unseen', 'corrected', 'untold'] as const
export type Condition = (typeof conditions)[number]

/** One condition, number of facts and distance. */
export interface RecallCell extends Share {
  readonly condition: Condition
  readonly facts: number
  readonly distance: number
  /** Mean tokens of the small talk; 0 where they were not counted. */
  readonly distanceTokens: number
  /** Answers with the value from before the correction. */
  readonly stale: number
  /** Answers that say not to know. */
  readonly ignorant: number
  /** What a guess among the values of that kind in the conversation gets. */
  readonly chanceTold: number
  /** What a guess among all values of that kind gets. */
  readonly chanceSet: number
}

/** A wrong answer, to look at. */
export interface Miss {
  readonly condition: Condition
  readonly facts: number
  readonly distance: number
  readonly question: string
  readonly expected: string
  readonly reply: string
}

/** A question, and what is right and what was right before a correction; nothing is right when nothing was told. */
export interface Question {
  readonly turn: Turn
  readonly fact?: Fact
  /** The value that was corrected. */
  readonly stale?: string
}

/** Keeps at most this many wrong answers. */
const maxMisses = 50

/** Counts the answers of one cell. */
export class Tally {
  readonly distanceTokens: number[] = []
  readonly condition: Condition
  readonly facts: number
  readonly distance: number
  readonly #misses: Miss[]
  readonly #chances: { told: number; set: number }[] = []
  #asked = 0
  #right = 0
  #stale = 0
  #ignorant = 0

  constructor(condition: Condition, facts: number, distance: number, misses: Miss[]) {
    this.condition = condition
    this.facts = facts
    this.distance = distance
    this.#misses = misses
  }

  count({ turn, fact, stale }: Question, reply: string, told: readonly Fact[]): void {
    const ignorant = admitsIgnorance(reply)
    const right = fact === undefined ? ignorant : holdsValue(reply, fact.value)
    this.#asked += 1
    if (right) this.#right += 1
    if (ignorant) this.#ignorant += 1
    if (!right && stale !== undefined && holdsValue(reply, stale)) this.#stale += 1
    this.#chances.push(fact === undefined ? { told: 0, set: 0 } : chanceOf(fact, told))
    if (right || this.#misses.length >= maxMisses) return
    const { condition, facts, distance } = this
    this.#misses.push({
      condition,
      facts,
      distance,
      question: turn.user,
      expected: fact?.value ?? 'not to know',
      reply,
    })
  }

  cell(): RecallCell {
    const { condition, facts, distance } = this
    return {
      condition,
      facts,
      distance,
      distanceTokens: Math.round(mean(this.distanceTokens)),
      ...shareOf(this.#right, this.#asked),
      stale: this.#stale,
      ignorant: this.#ignorant,
      chanceTold: mean(this.#chances.map(({ told }) => told)),
      chanceSet: mean(this.#chances.map(({ set }) => set)),
    }
  }
}

function mean(values: readonly number[]): number {
  return values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length
}
