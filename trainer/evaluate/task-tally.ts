/** Counts the answers of one set of options, by distance too. */
import type { Answer, Chance, Options, Sequence } from '../data/tasks/task.ts'
import { type Share, shareOf } from './interval.ts'

/** Answers whose distance is from `from` to `to`, both included. */
export interface DistanceShare extends Share {
  readonly from: number
  readonly to: number
}

/** The result for one set of options. */
export interface TaskCell extends Share {
  readonly options: Options
  readonly sequences: number
  /** Mean tokens of a sequence. */
  readonly length: number
  /** The share above a blind guess: 0 = as good as a guess, 1 = all right. */
  readonly scaled: number
  readonly chance: Chance
  /** Single tokens, which are more than answers where an answer has several. */
  readonly tokens: Share
  /** By distance in powers of two, where answers have one. */
  readonly distances: readonly DistanceShare[]
}

interface Count {
  asked: number
  right: number
}

export class TaskTally {
  readonly #answers: Count = { asked: 0, right: 0 }
  readonly #tokens: Count = { asked: 0, right: 0 }
  readonly #distances = new Map<number, Count>()
  #sequences = 0
  #length = 0

  /** Counts a sequence by what was predicted at each of its positions. */
  add(sequence: Sequence, predicted: ArrayLike<number>): void {
    this.#sequences++
    this.#length += sequence.ids.length
    for (const answer of sequence.answers) this.#count(answer, sequence, predicted)
  }

  cell(options: Options, chance: Chance): TaskCell {
    const share = shareOf(this.#answers.right, this.#answers.asked)
    return {
      options,
      sequences: this.#sequences,
      length: this.#sequences === 0 ? 0 : this.#length / this.#sequences,
      ...share,
      scaled: (share.share - chance.blind) / (1 - chance.blind),
      chance,
      tokens: shareOf(this.#tokens.right, this.#tokens.asked),
      distances: [...this.#distances]
        .toSorted(([a], [b]) => a - b)
        .map(([from, { right, asked }]) => ({ from, to: 2 * from - 1, ...shareOf(right, asked) })),
    }
  }

  #count({ at, distance }: Answer, { targets }: Sequence, predicted: ArrayLike<number>): void {
    const hits = at.filter((position) => predicted[position] === targets[position]).length
    const right = hits === at.length ? 1 : 0
    add(this.#answers, 1, right)
    add(this.#tokens, at.length, hits)
    if (distance === 0) return
    const from = 2 ** Math.floor(Math.log2(distance))
    const bin = this.#distances.get(from) ?? { asked: 0, right: 0 }
    this.#distances.set(from, bin)
    add(bin, 1, right)
  }
}

function add(count: Count, asked: number, right: number): void {
  count.asked += asked
  count.right += right
}
