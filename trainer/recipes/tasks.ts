/** Recipes of the tasks: small models trained on generated sequences, measured at lengths beyond their training. */
import type { Options } from '../data/tasks/task.ts'
import { defineRecipe } from './define.ts'
import type { Recipe, RecipeDefinition } from './recipe.ts'

const FOREVER = 1e15

/** Fifty updates of warm-up at these steps, and in proportion at others. */
const cosine = (steps: number) => ({ kind: 'cosine' as const, steps, warmup: 50 / steps, minRatio: 0.05 })

/** What the tasks start from: two gated delta memories, and sequences that fit into a row. */
const task = (
  name: string,
  about: string,
  data: {
    task: string
    options?: Options
    mix: readonly Options[]
    pack?: boolean
    /** What comes before the mix: packed rows of these, up to so many tokens. */
    first?: { untilTokens: number; mix: readonly Options[] }
    evaluate: readonly Options[]
  },
  own: Partial<RecipeDefinition>,
): Recipe =>
  defineRecipe({
    name,
    about,
    architecture: 'delta',
    model: memories,
    tokenizer: { kind: 'ids', vocab: 0, folder: '' },
    carry: false,
    learningRate: 3e-3,
    schedule: cosine(2400),
    optimizer: { beta2: 0.98 },
    evaluateEvery: 200,
    evaluateBatches: 4,
    checkpointEvery: 400,
    logEvery: 50,
    ...own,
    data: {
      kind: 'task',
      task: data.task,
      options: data.options ?? {},
      stages: [
        ...(data.first ? [{ ...data.first, pack: true }] : []),
        { untilTokens: FOREVER, mix: data.mix, pack: data.pack ?? false },
      ],
      evaluate: data.evaluate,
    },
  })

/** Width 64, two memories of 2 x 64 x 64 = 8,192 numbers each, no feed-forward layers, nothing forgotten. */
const memories = { width: 64, layers: 'dd', hidden: 0, memoryHeads: 2, keys: 64, values: 64, decay: 'none' }
/** The same with transitions that may turn a direction around, which parity and groups need (Grazzi et al., arXiv 2411.12537). */
const turning = { ...memories, memoryHeads: 4, keys: 16, values: 16, betaMax: [2] }
/** The size of the MAD suite: width 128, two mixers and two feed-forward layers. */
const mad = { width: 128, layers: 'dd', hidden: 256, memoryHeads: 4, keys: 32, values: 32, decay: 'head' }

const multiQuery: readonly Recipe[] = [
  task(
    'mqar',
    'recall of 64 pairs among 256 tokens, vocabulary 512',
    {
      task: 'mqar',
      options: { vocabulary: 512 },
      // Easy sequences start the learning; packed, they leave a memory full of others' pairs, which full rows need not bear
      first: {
        untilTokens: 1.5e6,
        mix: [
          { length: 64, pairs: 4 },
          { length: 64, pairs: 16 },
          { length: 128, pairs: 32 },
          { length: 256, pairs: 64 },
        ],
      },
      mix: [32, 64, 64, 64].map((pairs) => ({ length: 256, pairs })),
      evaluate: [
        { length: 256, pairs: 64 },
        { length: 512, pairs: 128 },
      ],
    },
    // One layer: its convolution joins a key to its value. Of 8,192 numbers as many as can be are keys, which then do not
    // disturb one another
    {
      model: { ...memories, layers: 'd', memoryHeads: 1, keys: 256, values: 32 },
      batch: 16,
      sequenceLength: 256,
      maxLabels: 1024,
      schedule: cosine(3600),
    },
  ),
  task(
    'mqar-full',
    'recall of 64 pairs among 256 tokens, vocabulary 8,192, measured up to 512 pairs among 2,048',
    {
      task: 'mqar',
      options: { vocabulary: 8192 },
      first: {
        untilTokens: 1.5e6,
        mix: [
          { length: 64, pairs: 4 },
          { length: 128, pairs: 8 },
          { length: 256, pairs: 16 },
          { length: 256, pairs: 32 },
          { length: 256, pairs: 64 },
        ],
      },
      mix: [16, 32, 64, 64].map((pairs) => ({ length: 256, pairs })),
      evaluate: [
        { length: 256, pairs: 64 },
        { length: 512, pairs: 128 },
        { length: 1024, pairs: 256 },
        { length: 2048, pairs: 512 },
      ],
    },
    {
      model: { ...memories, width: 128, layers: 'd', memoryHeads: 1, keys: 1024, values: 128 }, // 131,072 numbers
      batch: 16,
      sequenceLength: 256,
      maxLabels: 1024,
      schedule: cosine(2600),
    },
  ),
  task(
    'forgetting-mqar',
    'recall where keys are told new values, vocabulary 512',
    {
      task: 'forgetting-mqar',
      options: { vocabulary: 512 },
      pack: true,
      mix: [
        { length: 64, pairs: 4, updates: 2 },
        { length: 128, pairs: 16, updates: 8 },
        { length: 256, pairs: 32, updates: 16 },
        { length: 256, pairs: 32, updates: 32 },
      ],
      evaluate: [
        { length: 256, pairs: 32, updates: 32 },
        { length: 512, pairs: 64, updates: 64 },
      ],
    },
    { batch: 16, sequenceLength: 256 },
  ),
]

const told: readonly Recipe[] = [
  task(
    'rewrite',
    'the last value of a key told again and again: trained up to 50 pairs, measured up to 500',
    {
      task: 'rewrite',
      options: { questions: 4 },
      pack: true,
      mix: [5, 20, 50].map((pairs) => ({ pairs, fewest: 1 })),
      evaluate: [50, 100, 200, 500].map((pairs) => ({ pairs, questions: 1 })),
    },
    { batch: 16, sequenceLength: 256 },
  ),
  task(
    'retrieval',
    'five facts asked after a haystack: trained up to 200 tokens of it, measured up to 8,192',
    {
      task: 'retrieval',
      options: { facts: 5 },
      pack: true,
      mix: [{ distance: 200, nearest: 1, questions: 5 }],
      evaluate: [128, 256, 512, 1024, 2048, 4096, 8192].map((distance) => ({ distance })),
    },
    { batch: 16, sequenceLength: 256 },
  ),
  task(
    'chain',
    'variables assigned from one another: depth 1 to 10',
    {
      task: 'chain',
      pack: true,
      mix: [
        { depth: 2, shallowest: 1 },
        { depth: 10, shallowest: 1 },
      ],
      evaluate: Array.from({ length: 10 }, (_, i) => ({ depth: i + 1 })),
    },
    { batch: 32, sequenceLength: 128, model: { ...memories, layers: 'dddd', hidden: 128, betaMax: [2] } },
  ),
]

const lengths = [40, 64, 128, 256].map((length) => ({ length }))

const tracked: readonly Recipe[] = [
  task(
    'parity',
    'parity of zeros and ones: trained up to 40, measured up to 256',
    {
      task: 'parity',
      mix: [
        { length: 40, everywhere: true },
        { length: 40, shortest: 3, everywhere: true },
      ],
      evaluate: lengths,
    },
    // A flip that is not quite one shrinks what is flipped: at 256 tokens only a strength of almost exactly 2 is left to
    // be seen. The strengths learn faster, and no weight decay takes them back
    {
      batch: 32,
      sequenceLength: 40,
      model: { ...turning, memoryHeads: 2, conv: 2 },
      lrScales: { 'blocks.0.delta.beta': 5, 'blocks.1.delta.beta': 5 },
      schedule: cosine(5000),
      optimizer: { beta2: 0.98, weightDecay: 0 },
    },
  ),
  task(
    'modular',
    'modular arithmetic without brackets: trained up to 40, measured up to 256',
    { task: 'modular', mix: [{ length: 40, shortest: 3, everywhere: true }], evaluate: lengths },
    { batch: 64, sequenceLength: 64, model: { ...turning, hidden: 128 } },
  ),
  task(
    'modular-brackets',
    'modular arithmetic with brackets: trained up to 40, measured up to 256',
    { task: 'modular-brackets', mix: [{ length: 40, shortest: 4 }], evaluate: lengths },
    { batch: 64, sequenceLength: 64, model: { ...turning, hidden: 128 } },
  ),
  task(
    'word-problem',
    'products in the group S3: trained up to 40, measured up to 256',
    { task: 'word-problem', mix: [{ length: 40, shortest: 3, everywhere: true }], evaluate: lengths },
    { batch: 64, sequenceLength: 64, model: { ...turning, layers: 'dddd', hidden: 128 } },
  ),
]

/** The MAD suite at its first difficulty, 12,800 sequences an epoch there, as many as the steps make here. */
const madTask = (
  name: string,
  own: Partial<RecipeDefinition>,
  mix: Options,
  test: Options = mix,
  pack = false,
): Recipe =>
  task(
    `mad-${name}`,
    `MAD: ${name} at the size of the suite`,
    { task: name, mix: [mix], pack, evaluate: [test] },
    { model: mad, learningRate: 2e-3, ...own },
  )

const suite: readonly Recipe[] = [
  madTask('recall', { batch: 32, sequenceLength: 128 }, { length: 128 }),
  madTask('fuzzy-recall', { batch: 32, sequenceLength: 128 }, { length: 128 }, { length: 128, longest: true }),
  madTask('noisy-recall', { batch: 32, sequenceLength: 128 }, { length: 128 }),
  madTask('selective-copying', { batch: 16, sequenceLength: 256 }, { length: 256 }),
  madTask('compression', { batch: 64, sequenceLength: 64 }, { length: 32 }),
  madTask('memorization', { batch: 64, sequenceLength: 64 }, { length: 32 }, { length: 32 }, true),
  task(
    'copying',
    'strings said again: trained up to 50 letters, measured up to 200',
    {
      task: 'copying',
      mix: [
        { length: 10, shortest: 1 },
        { length: 50, shortest: 1 },
      ],
      evaluate: [10, 25, 50, 100, 200].map((length) => ({ length })),
    },
    { batch: 32, sequenceLength: 128, model: mad },
  ),
]

export const taskRecipes: readonly Recipe[] = [...multiQuery, ...told, ...tracked, ...suite]
