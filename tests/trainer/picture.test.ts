import { expect, test } from 'vitest'
import type { RecallResult } from '../../trainer/evaluate/keeper.ts'
import { recallPicture, trainingPicture } from '../../trainer/picture.ts'

const points = Array.from({ length: 20 }, (_, i) => ({
  step: i * 10,
  loss: 5 / (i + 1),
  learningRate: 1e-3 * (1 - i / 20),
  ...(i % 5 === 0 ? { heldOutLoss: 5.5 / (i + 1) } : {}),
}))

test('a training picture shows both losses, the learning rate and its title', async () => {
  const svg = await trainingPicture(points, 'run one')
  expect(/^<svg[^>]*>.*<\/svg>$/s.test(svg)).toBe(true)
  for (const text of ['run one', 'training', 'held out', 'learning rate', 'step'])
    expect(svg.includes(`>${text}<`), text).toBe(true)
  expect(svg.match(/mark-line/g)?.length).toBe(3)
})

test('points without a held-out loss or a learning rate draw what there is', async () => {
  const svg = await trainingPicture(
    [
      { step: 1, loss: 2 },
      { step: 2, loss: 1 },
    ],
    'short',
  )
  for (const text of ['>held out<', '>learning rate<', 'NaN']) expect(svg.includes(text), text).toBe(false)
})

test('a recall picture has a panel for each number of facts and a line for each system', async () => {
  const svg = await recallPicture({ delta: recall(0.97), vanilla: recall(0.2) }, 'heldout', 'recall')
  for (const text of ['recall', '1 fact', '8 facts', 'delta', 'vanilla', 'answered right'])
    expect(svg.includes(`>${text}<`), text).toBe(true)
  expect(svg.includes('NaN')).toBe(false)
})

function recall(share: number): RecallResult {
  const cells = [1, 8].flatMap((facts) =>
    [0, 1, 10, 100].map((distance) => ({
      condition: 'heldout' as const,
      facts,
      distance,
      distanceTokens: distance * 22,
      asked: 100,
      right: share * 100,
      stale: 0,
      ignorant: 0,
      share,
      interval: [share - 0.02, share + 0.02] as const,
      chanceTold: 1 / facts,
      chanceSet: 0.001,
    })),
  )
  return { seed: 1, conversations: 100, cells, misses: [] }
}
