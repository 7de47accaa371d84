/** Every setting of a recipe, with its default, meaning and range. `mneme train --help` prints them. */
import { choice, count, type Field, flag, optional, type Options, real, text } from '../../models/config.ts'
import { scheduleKinds } from '../run/schedule.ts'

/** No number of rows, tokens or steps is above this. */
const most = 1e9

const positive = (value: number, help: string): Field<number> => ({ default: value, help, above: 0 })
const share = (value: number, help: string): Field<number> => ({ default: value, help, min: 0, below: 1 })
const texts = (help: string): Field<readonly string[]> => ({ default: [], help, items: 'string' })
const objects = (help: string): Field<readonly Options[]> => ({ default: [], help, items: 'object' })

const tokenizer = {
  kind: choice(
    'byte',
    ['byte', 'char', 'bpe', 'folder', 'ids'],
    'byte, char or bpe of --data, a folder, or ids (tasks)',
  ),
  vocab: count(0, 'most tokens of char and bpe, special ones included; 0: 4,096', 0, 1e6),
  folder: text('', 'the folder of kind=folder, with tokenizer.json and tokenizer_config.json'),
}

const start = {
  checkpoint: text('', 'a checkpoint, a run or a safetensors file to start from (--init)'),
  gpt2: text('', 'published GPT-2 weights for smt: a safetensors file'),
  mamba: text('', 'published Mamba weights for smt: a safetensors file'),
}

const schedule = {
  kind: choice('cosine', scheduleKinds, 'how the learning rate falls after the warm-up'),
  steps: count(1000, 'updates of the parameters (--steps)', 1, most),
  warmup: real(0.05, 'updates in which the learning rate rises; below 1: a share of the steps', 0, most),
  minRatio: real(0.1, 'what is left of the learning rate at the end, as a share of the peak', 0, 1),
  decay: real(0.2, 'share of the steps in which wsd (warm-up, stable, decay) falls', 0, 1),
}

const optimizer = {
  beta1: share(0.9, "AdamW's decay of the first moment"),
  beta2: share(0.95, 'of the second moment'),
  eps: positive(1e-8, 'added to the root of the second moment'),
  weightDecay: real(0.1, 'decoupled weight decay of matrices', 0, 10),
  clip: positive(1, 'largest global norm of the gradients'),
  bits: choice(32, [8, 32], 'bits of a moment that is kept'),
}

const generation = {
  temperature: optional(real(0, 'of sampling in the server, where a request does not say it', 0, 2)),
  top_p: optional(real(1, 'the same', 1e-6, 1)),
  max_tokens: optional(count(1, 'the same', 1, most)),
  answers_from: optional(
    choice(
      'memory',
      ['memory', 'notes'],
      'memory: it says what its user told, and knows nothing else; notes: it learned to read notes about its user',
    ),
  ),
}

export const settings = {
  tokenizer,
  mode: choice(
    'pretrain',
    ['pretrain', 'instruct'],
    'learn every token of text, or only what the assistant says (--mode)',
  ),
  start,
  batch: count(8, 'rows of a batch', 1, most),
  sequenceLength: count(256, 'tokens of a row, through which gradients flow', 1, most),
  accumulate: count(1, 'batches whose gradients make one update', 1, most),
  recompute: count(
    1,
    'segments of the forward pass of which one is held at a time (gradient checkpointing); 1: all are',
    1,
    most,
  ),
  maxLabels: count(
    0,
    'most weighted tokens of a batch, where they are few: logits are computed for these only; 0: for all',
    0,
    most,
  ),
  precision: choice(
    'float32',
    ['float32', 'tf32', 'bfloat16'],
    'of matrix products; parameters stay in float32; others than float32 need cuda',
  ),
  deterministic: flag(true, 'whether two runs give the same bits; false: cuda may add in any order, which is faster'),
  carry: flag(true, "whether a row's state goes on to its next batch; false: every batch starts from zero state"),
  learningRate: positive(2e-3, 'the peak'),
  lrScales: {
    default: {},
    help: "factors of the learning rate by a parameter's path or the beginning of it, e.g. lrScales.blocks.0=2",
    values: 'number',
    min: 0,
    max: 1e4,
  } as Field<Readonly<Record<string, number>>>,
  schedule,
  optimizer,
  evaluateEvery: {
    ...count(100, 'updates between measurements of the held-out loss, or epoch (--evaluate-every)', 1, most),
    words: ['epoch'],
  } as Field<number | 'epoch'>,
  evaluateBatches: count(8, 'batches of held-out data that are measured', 1, most),
  checkpointEvery: count(200, 'updates between checkpoints; the first one comes after a tenth of that', 1, most),
  keepCheckpoints: count(2, 'newest checkpoints that stay, beside the best one', 1, 10_000),
  logEvery: count(10, 'updates between lines of metrics', 1, most),
  patience: count(0, 'measurements without a better one before the run ends; 0: never', 0, most),
  seed: count(1, 'of parameters, data and dropout (--seed)', 0, Number.MAX_SAFE_INTEGER),
  generation,
}

/** Settings of `data` by its kind. */
export const dataSettings = {
  text: {
    files: texts('files, folders, token shards, or one data set of a hub (--data)'),
    heldOutShare: share(
      0.1,
      'share of the end of the files, or of the documents of a hub, to measure on (--held-out-share)',
    ),
    heldOut: texts('files to measure on instead (--held-out)'),
    split: text('train', "split of a hub's data set (--split)"),
    heldOutSplit: text('', 'its split to measure on (--held-out-split)'),
    textField: text('text', 'the field of rows that holds text (--text-field)'),
    messagesField: text('messages', 'the one that holds messages (--messages-field)'),
    promptField: text('prompt', 'the one that holds a prompt (--prompt-field)'),
    completionField: text('completion', 'the one that holds what follows the prompt (--completion-field)'),
  },
  keeper: {
    stages: objects('parts of the curriculum, in order (data/keeper/dataset.ts)'),
  },
  notes: {},
  sentences: {
    folder: text('', 'with texts and the vectors that they are taught (trainer/embedder/start.ts)'),
  },
  claims: {
    judged: text('', 'judged answers to learn instead of generated claims, in lines of JSON (data/claims/judged.ts)'),
  },
  reading: {},
  'small-talk': {},
  task: {
    task: text('', 'which task (mneme eval --help lists them)'),
    options: { default: {}, help: 'options of the task that all stages and measurements share' } as Field<Options>,
    stages: objects('parts of the curriculum, in order: untilTokens, mix, pack'),
    evaluate: objects('the sets of options that mneme eval measures'),
  },
}
