/** Multi-query recall: the recipe's own model, and every system at equal parameters and tokens; the full vocabulary. */
import { recipeOf } from './recipe.ts'
import type { Study } from './study.ts'
import { systems } from './systems.ts'
import { taskRows } from './table.ts'

const STEPS = 800

export const multiQuery: Study = {
  name: 'mqar',
  about: `64 pairs among 256 tokens, vocabulary 512. The recipe's own model, and every system after ${STEPS} steps of 4,096 tokens.`,
  runs: [
    { name: 'recipe', train: ['mqar'], evaluate: { mqar: ['mqar'] } },
    ...systems.map((system) => ({
      name: system.name,
      train: recipeOf('mqar', system, { steps: STEPS }),
      evaluate: { mqar: ['mqar'] },
    })),
  ],
  show: (measured) => ({ table: taskRows(measured) }),
}

export const multiQueryFull: Study = {
  name: 'mqar-full',
  about: 'Up to 64 pairs among 256 tokens, vocabulary 8,192.',
  runs: [
    {
      name: 'recipe',
      train: ['mqar-full'],
      evaluate: {
        mqar: ['mqar', '--sequences', '100'],
        // Chosen with --seed 2 among 1, 0.6, 0.5, 0.4, 0.3: a weaker write erases less of what was told before
        'betaMax 0.6': ['mqar', '--sequences', '100', '--set', 'model.betaMax=[0.6]'],
      },
    },
  ],
  show: (measured) => ({ table: taskRows(measured) }),
}
