/** Retrieval at distance: five facts, asked after up to 8,192 tokens of which training has seen 200. */
import type { Run, Study } from './study.ts'
import { systems } from './systems.ts'
import { taskPicture, taskRows } from './table.ts'
import { recipeOf } from './recipe.ts'

const STEPS = 800
const distances = [128, 256, 512, 1024, 2048, 4096, 8192]

const runs: readonly Run[] = [1, 2, 3].flatMap((seed) =>
  systems.map((system) => ({
    name: `${system.name}-${seed}`,
    train: recipeOf('retrieval', system, { seed, steps: STEPS }),
    evaluate: {
      retrieval: [
        'retrieval',
        '--sequences=60',
        ...distances.flatMap((distance) => ['--cell', `distance=${distance},questions=5`]),
      ],
    },
  })),
)

export const retrieval: Study = {
  name: 'retrieval',
  about: `Five facts asked after a haystack: ${STEPS} steps of 4,096 tokens, trained up to 200 tokens of haystack.`,
  runs,
  show: (measured) => ({
    table: taskRows(measured),
    picture: taskPicture(
      measured,
      'distance',
      'tokens between five facts and the questions',
      (tokens) => `After ${tokens} tokens`,
    ),
  }),
}
