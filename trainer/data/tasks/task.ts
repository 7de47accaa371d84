/** What a task is: options checked before anything is drawn, and a pure generator of one sequence. */
import { configure, type ConfigOf, type Fields } from '../../../models/config.ts'
import type { Random } from '../../random.ts'

/** A scored answer: right when every one of its positions predicts its target. */
export interface Answer {
  /** Positions in the sequence, rising. */
  readonly at: readonly number[]
  /** Tokens between what is asked for and the question; 0 where nothing was told. */
  readonly distance: number
}

/** One sequence: what goes in, what should come out at each position, and what is scored. */
export interface Sequence {
  readonly ids: readonly number[]
  /** The right prediction at each position; 0 where nothing is expected. */
  readonly targets: readonly number[]
  /** Weight of the loss at each position. */
  readonly weights: readonly number[]
  readonly answers: readonly Answer[]
}

/** How often a guess is right. */
export interface Chance {
  /** One among all tokens that an answer may be. */
  readonly blind: number
  /** One among the answers that the sequence tells. */
  readonly told: number
}

export type Options = Readonly<Record<string, unknown>>

interface Definition<F extends Fields> {
  readonly name: string
  /** One sentence: what is told, what is asked, and where the task comes from. */
  readonly about: string
  readonly fields: F
  /** Rules between options; throws ConfigError. */
  check?(options: ConfigOf<F>): void
  vocabulary(options: ConfigOf<F>): number
  chance(options: ConfigOf<F>): Chance
  /** The same random state and options give the same sequence. */
  generate(random: Random, options: ConfigOf<F>): Sequence
  /** What `mneme eval` measures when nothing else is asked for. */
  readonly grid: readonly Partial<ConfigOf<F>>[]
}

/** A task with its options filled in. */
export interface SetTask {
  readonly name: string
  readonly options: Options
  readonly vocabulary: number
  readonly chance: Chance
  generate(random: Random): Sequence
}

export interface Task {
  readonly name: string
  readonly about: string
  readonly fields: Fields
  readonly grid: readonly Options[]
  /** Throws ConfigError for what cannot be. */
  set(options: Options): SetTask
}

/** A task from its definition. */
export function defineTask<F extends Fields>(definition: Definition<F>): Task {
  const { name, about, fields, grid } = definition
  return {
    name,
    about,
    fields,
    grid,
    set(given) {
      const options = configure(name, fields, given)
      definition.check?.(options)
      return {
        name,
        options,
        vocabulary: definition.vocabulary(options),
        chance: definition.chance(options),
        generate: (random) => definition.generate(random, options),
      }
    },
  }
}
