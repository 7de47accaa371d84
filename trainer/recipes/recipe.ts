/** A recipe: everything that a training run is, as plain data that can be printed, saved and overridden. */
import type { AdamW } from '../backends/compile/optimizer.ts'
import type { Mode } from '../data/document.ts'
import type { Stage } from '../data/keeper/dataset.ts'
import type { TaskSource } from '../data/tasks/dataset.ts'
import type { Start } from '../import/start.ts'
import type { Schedule } from '../run/schedule.ts'

/** Text: files and folders of UTF-8 text, JSONL or shards, or a data set of a hub, given with --data. */
export interface TextSource {
  readonly kind: 'text'
  readonly files: readonly string[]
  /** Share of the text at its end, or of the documents of a hub, that is held out, unless something else is named. */
  readonly heldOutShare: number
  readonly heldOut: readonly string[]
  /** Splits of a hub's data set; with no `heldOutSplit` a share of the first is held out. */
  readonly split: string
  readonly heldOutSplit: string
  /** Where rows of JSONL and parquet have their text or messages. */
  readonly textField: string
  readonly messagesField: string
}

/** Generated chats in which facts are told, corrected and asked (data/keeper). */
export interface KeeperSource {
  readonly kind: 'keeper'
  readonly stages: readonly Stage[]
}

export const tokenizerKinds = ['byte', 'char', 'bpe', 'folder', 'ids'] as const

/** `byte`, `character` (of the training text), a number of BPE tokens to learn, a folder with a tokenizer, or a task's ids. */
export interface TokenizerChoice {
  readonly kind: (typeof tokenizerKinds)[number]
  readonly vocab: number
  readonly folder: string
}

export interface Recipe {
  readonly name: string
  readonly about: string
  readonly architecture: string
  /** Options of the architecture; the vocabulary comes from the tokenizer. */
  readonly model: Readonly<Record<string, unknown>>
  readonly tokenizer: TokenizerChoice
  readonly data: TextSource | KeeperSource | TaskSource
  /** Of text: every token is learned, or only what the assistant says. Generated data has weights of its own. */
  readonly mode: Mode
  /** Weights to start from, where they fit the architecture. */
  readonly start: Start
  /** Rows of a batch, tokens of a row, passes whose gradients are averaged. */
  readonly batch: number
  readonly time: number
  readonly accumulate: number
  /** Pieces of the forward pass of which one at a time is held in memory (gradient checkpointing); 1: all is. */
  readonly recompute: number
  /** Most weighted tokens of a batch, where they are few: logits are computed for these only. 0: for all tokens. */
  readonly labels: number
  /** What matrix products are computed in: float32, or on cuda tf32 or bfloat16. Parameters stay in float32. */
  readonly precision: 'float32' | 'tf32' | 'bfloat16'
  /** Whether two runs of the recipe give the same bits. Only cuda can do without, and is faster then. */
  readonly deterministic: boolean
  /** Whether rows go on from batch to batch; without, each starts from zero state. */
  readonly carry: boolean
  readonly learningRate: number
  /** Learning rates of groups of parameters relative to that, by the beginning of their path. */
  readonly rates: Readonly<Record<string, number>>
  readonly schedule: Schedule
  readonly optimizer: AdamW
  /** Updates, or each time that all data was read. */
  readonly evaluateEvery: number | 'epoch'
  readonly evaluateBatches: number
  readonly checkpointEvery: number
  readonly logEvery: number
  readonly patience: number
  readonly seed: number
  /** What the bundle says of sampling where a request does not. */
  readonly generation: { readonly temperature?: number; readonly top_p?: number; readonly max_tokens?: number }
}

/** What recipes start from. */
export const defaults: Omit<Recipe, 'name' | 'about' | 'architecture' | 'model' | 'data'> = {
  tokenizer: { kind: 'byte', vocab: 0, folder: '' },
  mode: 'pretrain',
  start: { checkpoint: '', gpt2: '', mamba: '' },
  batch: 8,
  time: 256,
  accumulate: 1,
  recompute: 1,
  labels: 0,
  precision: 'float32',
  deterministic: true,
  carry: true,
  learningRate: 2e-3,
  rates: {},
  schedule: { kind: 'cosine', steps: 1000, warmup: 50, minRatio: 0.1, decay: 0.2 },
  optimizer: { beta1: 0.9, beta2: 0.95, eps: 1e-8, weightDecay: 0.1, clip: 1, bits: 32 },
  evaluateEvery: 100,
  evaluateBatches: 8,
  checkpointEvery: 200,
  logEvery: 10,
  patience: 0,
  seed: 1,
  generation: {},
}

export const text: TextSource = {
  kind: 'text',
  files: [],
  heldOutShare: 0.1,
  heldOut: [],
  split: 'train',
  heldOutSplit: '',
  textField: 'text',
  messagesField: 'messages',
}
