/** What an import is asked for, and what it gives. */
import { basename, dirname, resolve } from 'node:path'
import type { Model } from '../../models/architecture.ts'
import type { Pooling } from '../../models/layers/pooling.ts'
import type { Manifest } from '../../runtime/bundle.ts'
import type { KvDtype } from '../kv-cache.ts'
import type { KvCost } from '../kv-cost.ts'
import type { EmbedderTrial } from './embedder-trial.ts'
import type { Trial } from './trial.ts'
import type { Quantization, WeightFormat } from './weight-formats.ts'

export interface ImportOptions {
  /** A model folder, or a .gguf or .onnx file. */
  readonly source: string
  readonly out: string
  /** The model's name; the source's without. */
  readonly name?: string | undefined
  readonly quantization: Quantization
  /** How keys and values of attention are stored; float32 without. */
  readonly kv?: KvDtype | undefined
  /** A folder with the tokenizer, for a source that has none. */
  readonly tokenizer?: string | undefined
  /** How an encoder's vectors of tokens become one, for a source that does not say. */
  readonly pooling?: Pooling | undefined
  /** What was trained on the source's model: memory layers, low-rank additions. */
  readonly adapter?: Adapter
  /** Gets what is being done, and how much of it is done. */
  readonly progress?: (what: string, done: number, of: number) => void
}

/** Additions to a published model, whose own parameters are behind `base.`. */
export interface Adapter {
  readonly model: Model
  /** All but those of the base, by path. */
  readonly weights: ReadonlyMap<string, Float32Array>
  /** The run, for the manifest. */
  readonly about: Readonly<Record<string, unknown>>
  /** What its recipe says of sampling and of what its replies rest on, before what the base's files say. */
  readonly generation: Manifest['generation']
}

export interface Imported {
  /** The bundle beside it whose file of weights this one is a link to. */
  readonly sharedWith: string | undefined
  readonly manifest: Manifest
  /** Of a decoder or of an embedder. */
  readonly trial: Trial | EmbedderTrial
  /** Numbers that are stored in each form. */
  readonly stored: Readonly<Record<WeightFormat, number>>
  /** What keys and values in fewer bits cost. */
  readonly kvCost?: KvCost | undefined
}

/** What a model is called that was given no name: as its file, or as the folder that holds its graph. */
export function nameOf(source: string): string {
  if (source.endsWith('.onnx')) return basename(dirname(resolve(source)).replace(/[/\\]onnx$/, ''))
  return basename(source).replace(/\.gguf$/i, '')
}
