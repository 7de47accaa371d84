/**
 * What an encoder of text is: options, parameters, and a pure function over any backend from a whole text to a vector
 * for each token. It keeps no state from token to token and predicts none, so it is no `Architecture`.
 */
import { configure, type ConfigOf, type Fields } from './config.ts'
import type { Ops } from './ops.ts'
import { linearParams, type LinearSpec, type Of, type SpecTree } from './spec.ts'

/** Texts as an encoder reads them, padded to one length. */
export interface EncoderInput<T> {
  /** (B,T) int32. */
  readonly ids: T
  /** (B,T) float32: 1 at tokens, 0 at padding, which no token attends to. */
  readonly mask: T
  /** (B,T) int32: to which text of a pair a token belongs; 0 where there is one text. */
  readonly types: T
}

/** What a classifier gives labels to: whole texts (or pairs of them), or each of their tokens. */
export type Task = 'sequence' | 'token'

export interface EncoderDefinition<F extends Fields, P, H> {
  readonly name: string
  /** One sentence: what it is and where it comes from. */
  readonly about: string
  readonly fields: F
  /** Rules between fields; throws ConfigError. */
  check(config: ConfigOf<F>): void
  /** The size of the vocabulary, the width of `hidden`, and the tokens of the longest text. */
  sizes(config: ConfigOf<F>): EncoderSizes
  params(config: ConfigOf<F>): P
  /** hidden (B,T,D) of the last layer. Calls `op.layerHook` after each layer. */
  encode<T>(op: Ops<T>, config: ConfigOf<F>, params: Of<P, T>, input: EncoderInput<T>): T
  /** What BERT was trained with for whole texts: hidden (B,T,D) -> (B,D). Throws where the configuration has none. */
  pooler?<T>(op: Ops<T>, config: ConfigOf<F>, params: Of<P, T>, hidden: T): T
  /** Parameters of what a classifier has between the encoder and its labels. */
  headParams(config: ConfigOf<F>, task: Task): H
  /** What the labels are read from: (B,D) of whole texts, (B,T,D) of tokens. */
  head<T>(op: Ops<T>, config: ConfigOf<F>, params: Of<H, T>, task: Task, text: EncodedStates<T>): T
}

export interface EncodedStates<T> {
  /** (B,T,D) of the last layer. */
  readonly hidden: T
  /** (B,T) float32, as it was read. */
  readonly mask: T
}

export interface EncoderSizes {
  readonly vocab: number
  readonly width: number
  readonly maxTokens: number
}

/** An encoder with one configuration. */
export interface EncoderModel extends EncoderSizes {
  readonly architecture: string
  readonly config: Readonly<Record<string, unknown>>
  readonly params: SpecTree
  encode<T>(op: Ops<T>, params: unknown, input: EncoderInput<T>): T
  pooler<T>(op: Ops<T>, params: unknown, hidden: T): T
  /** The encoder with a head that gives `labels` logits. */
  classifier(task: Task, labels: number): ClassifierModel
}

export interface ClassifierModel extends EncoderSizes {
  readonly architecture: string
  readonly config: Readonly<Record<string, unknown>>
  readonly params: SpecTree
  /** (B,labels) of whole texts, (B,T,labels) of tokens. */
  logits<T>(op: Ops<T>, params: unknown, input: EncoderInput<T>): T
}

export interface EncoderArchitecture {
  readonly name: string
  readonly about: string
  readonly fields: Fields
  model(options: Record<string, unknown>): EncoderModel
}

/** An encoder from its definition; inside it everything is typed, outside trees are filled by path. */
export function defineEncoder<F extends Fields, P, H>(definition: EncoderDefinition<F, P, H>): EncoderArchitecture {
  const { name, about, fields } = definition
  return {
    name,
    about,
    fields,
    model(options) {
      const config = configure(name, fields, options)
      definition.check(config)
      const sizes = definition.sizes(config)
      const params = definition.params(config) as SpecTree
      return {
        architecture: name,
        config,
        ...sizes,
        params,
        encode: (op, params, input) => definition.encode(op, config, params as Of<P, typeof input.ids>, input),
        pooler(op, params, hidden) {
          if (!definition.pooler) throw new RangeError(`${name}: expected an encoder with a pooler, got one without`)
          return definition.pooler(op, config, params as Of<P, typeof hidden>, hidden)
        },
        classifier: (task, labels) => ({
          architecture: name,
          config,
          ...sizes,
          params: {
            ...(params as Readonly<Record<string, SpecTree>>),
            ...(definition.headParams(config, task) as Readonly<Record<string, SpecTree>>),
            classifier: linearParams(sizes.width, labels, true),
          },
          logits<T>(op: Ops<T>, params: unknown, input: EncoderInput<T>): T {
            const hidden = definition.encode(op, config, params as Of<P, T>, input)
            const read = definition.head(op, config, params as Of<H, T>, task, { hidden, mask: input.mask })
            const { weight, bias } = (params as { classifier: Of<LinearSpec, T> }).classifier
            return op.linear(read, weight, bias)
          },
        }),
      }
    },
  }
}
