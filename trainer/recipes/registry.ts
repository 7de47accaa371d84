/** The recipes by name: every architecture has a small one of its own name. */
import { critic } from './critic.ts'
import { embedder } from './embedder.ts'
import { familyRecipes } from './families.ts'
import { keeper, keeperLong, keeperVanilla } from './keeper.ts'
import { defineRecipe, textData } from './define.ts'
import { notes } from './notes.ts'
import { reader } from './reader.ts'
import type { Recipe } from './recipe.ts'
import { smallTalk } from './small-talk.ts'
import { taskRecipes } from './tasks.ts'

/** Sizes that learn something in a few minutes on two cores, with the same number of parameters to a thousandth. */
const small: readonly Pick<Recipe, 'name' | 'about' | 'model'>[] = [
  {
    name: 'vanilla',
    about: 'decoder-only Transformer with a sliding window, on text',
    model: { width: 128, layers: 4, heads: 4, window: 128, hidden: 325 },
  },
  {
    name: 'rsm',
    about: 'Rolling State Memory, on text',
    model: { width: 128, layers: 2, heads: 4, slots: 32, chunk: 64 },
  },
  {
    name: 'nmt',
    about: 'Neural Memory Transformer: windowed attention and a memory that learns at test time, on text',
    model: { width: 128, layers: 3, hidden: 274, heads: 4, window: 64, memoryWidth: 64, expansion: 2, chunk: 32 },
  },
  {
    name: 'smt',
    about: 'Stride Memory Transformer, sliding: attention that is cached, outputs of a Mamba stack, on text',
    model: {
      width: 128,
      layers: 3,
      heads: 4,
      expansion: 2,
      mode: 'sliding',
      outputs: 16,
      tokens: 64,
      stride: 16,
      keys: 200,
      ssmLayers: 1,
    },
  },
  {
    name: 'hmst',
    about: 'base of HMST: a Transformer with mixtures of experts, on text',
    model: { width: 128, layers: 4, heads: 4, window: 128, hidden: 120, experts: 4, topExperts: 2 },
  },
  {
    name: 'moc',
    about: 'Mixture of Chapters: a Transformer that reads learned rows by routed chapters, on text',
    model: {
      width: 128,
      layers: 4,
      heads: 4,
      window: 128,
      hidden: 195,
      rows: 512,
      placement: 'every_n',
      chapters: 8,
      topChapters: 2,
    },
  },
  {
    name: 'delta',
    about: 'sliding-window attention and gated delta memories, on text',
    model: { width: 128, layers: 'adad', hidden: 321, heads: 4, window: 64, memoryHeads: 4, keys: 32, values: 32 },
  },
]

/** Memory layers in a trained model of any architecture: `mneme train adapter --init runs/vanilla`. */
const adapter = defineRecipe({
  data: textData,
  name: 'adapter',
  about: 'memory layers in a frozen model: --init with its run',
  architecture: 'adapter',
  model: {
    base: '', // that of the run
    baseConfig: {},
    rows: 256,
    placement: 'every_n',
    chapters: 8,
    topChapters: 2,
  },
})

/** The seed mode as published: each token reruns its window, so windows are short and batches are split in two. */
const smtSeed = defineRecipe({
  name: 'smt-seed',
  about: 'Stride Memory Transformer as first published: each token runs over a window of its own, on text',
  architecture: 'smt',
  model: { width: 128, layers: 3, heads: 4, outputs: 8, tokens: 24, stride: 8, keys: 180, ssmLayers: 1 },
  data: textData,
  batch: 4,
  accumulate: 2,
})

export const recipes: ReadonlyMap<string, Recipe> = new Map(
  [
    ...small.map((own) => defineRecipe({ data: textData, architecture: own.name, ...own })),
    smtSeed,
    adapter,
    keeper,
    keeperLong,
    keeperVanilla,
    notes,
    embedder,
    critic,
    reader,
    smallTalk,
    ...taskRecipes,
    ...familyRecipes,
  ].map((recipe) => [recipe.name, recipe]),
)
