/** What an architecture is: options, parameters, session state, and pure functions over any backend. */
import type { ConfigOf, Fields } from './config.ts'
import { configure, type Options } from './config.ts'
import { exitsOption, withExits } from './exits.ts'
import type { Contrast, Forward, Model } from './model.ts'
import type { Ops } from './ops.ts'
import type { Of, SpecTree } from './spec.ts'

export type { Forward, Model } from './model.ts'

export interface Definition<F extends Fields, P, S> {
  readonly name: string
  /** One sentence: what it is and where it comes from. */
  readonly about: string
  readonly fields: F
  /** Rules between fields; throws ConfigError. */
  check(config: ConfigOf<F>): void
  params(config: ConfigOf<F>): P
  /** All that is carried from token to token: batch first, zero at the start. */
  state(config: ConfigOf<F>): S
  /** From ids (B,T) int32 and the state before them. */
  forward<T>(op: Ops<T>, config: ConfigOf<F>, params: Of<P, T>, ids: T, state: Of<S, T>): Forward<T, Of<S, T>>
  /** hidden (..., D) -> logits (..., V). */
  logits<T>(op: Ops<T>, config: ConfigOf<F>, params: Of<P, T>, hidden: T): T
  /** The tokens of a training row must be a multiple of this: the tokens between two writes of a memory (default 1). */
  chunkLength?(config: ConfigOf<F>): number
  /** Vocabulary and width, where the fields have other names than `vocab` and `width`. */
  sizes?(config: ConfigOf<F>): { vocab: number; width: number }
  /** How many positions have learned embeddings; no row can be longer. */
  positions?(config: ConfigOf<F>): number | undefined
  /** How many layers of this configuration call `op.layerHook`, after which an adapter can add its own. */
  layers?(config: ConfigOf<F>): number
  /** Whether its matrices are (out, in), and multiplied with by `op.linear`. */
  readonly multipliesByLinear?: true
  /** Rows are texts that are compared with one another; without, tokens are predicted. */
  contrast?(config: ConfigOf<F>): Contrast
  /** Rows are texts that have one of so many labels each; without, tokens are predicted. */
  rowLabels?(config: ConfigOf<F>): number
  /** Why this configuration cannot be served, though it can be trained and evaluated. */
  trainingOnly?(config: ConfigOf<F>): string | undefined
}

export interface Architecture {
  readonly name: string
  readonly about: string
  readonly fields: Fields
  /** The option with the size of the vocabulary. */
  readonly vocabOption: 'vocab' | 'vocab_size'
  model(options: Record<string, unknown>): Model
}

/** An architecture from its definition; inside it everything is typed, outside trees are filled by path. */
export function define<F extends Fields, P, S>(definition: Definition<F, P, S>): Architecture {
  const { name, about, fields } = definition
  return {
    name,
    about,
    fields: { ...fields, exits: exitsOption },
    vocabOption: Object.hasOwn(fields, 'vocab') ? 'vocab' : 'vocab_size',
    model({ exits = {}, ...options }) {
      const config = configure(name, fields, options)
      definition.check(config)
      const { vocab, width } = definition.sizes?.(config) ?? (config as unknown as { vocab: number; width: number })
      const model: Model = {
        architecture: name,
        config,
        vocab,
        width,
        params: definition.params(config) as SpecTree,
        state: definition.state(config) as SpecTree,
        chunkLength: definition.chunkLength?.(config) ?? 1,
        positions: definition.positions?.(config),
        layers: definition.layers?.(config) ?? 0,
        multipliesByLinear: definition.multipliesByLinear === true,
        contrast: definition.contrast?.(config),
        rowLabels: definition.rowLabels?.(config),
        trainingOnly: definition.trainingOnly?.(config),
        forward: (op, params, ids, state) =>
          definition.forward(op, config, params as Of<P, typeof ids>, ids, state as Of<S, typeof ids>),
        logits: (op, params, hidden) => definition.logits(op, config, params as Of<P, typeof hidden>, hidden),
      }
      return withExits(model, exits as Options)
    },
  }
}
