/** The recipes by name: every architecture has a small one of its own name. */
import { keeper, keeperVanilla } from './keeper.ts'
import { defaults, type Recipe, text } from './recipe.ts'
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

export const recipes: ReadonlyMap<string, Recipe> = new Map(
  [
    ...small.map((own): Recipe => ({ ...defaults, data: text, architecture: own.name, ...own })),
    keeper,
    keeperVanilla,
    ...taskRecipes,
  ].map((recipe) => [recipe.name, recipe]),
)
