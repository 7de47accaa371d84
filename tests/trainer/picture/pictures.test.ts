import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { RecallResult } from '../../../trainer/evaluate/keeper.ts'
import { recallPicture } from '../../../trainer/evaluate/keeper-picture.ts'
import { trainingPicture } from '../../../trainer/picture/training.ts'
import { hasChromium, textBoxes } from '../../support/text-boxes.ts'

const points = Array.from({ length: 20 }, (_, i) => ({
  step: (i + 1) * 10,
  loss: 5 / (i + 1),
  learningRate: 1e-3 * (1 - i / 20),
  ...(i % 5 === 4 ? { heldOutLoss: 5.5 / (i + 1) } : {}),
}))

describe('the picture of a training', () => {
  test('says the loss in its title, and names both curves and the learning rate', () => {
    const svg = trainingPicture(points, 'delta')
    expect(svg).toContain('delta: held-out loss 0.275 nats a token after 200 updates')
    for (const text of ['training', 'held out', 'learning rate', 'updates']) expect(svg).toContain(`>${text}<`)
    expect(svg.match(/<polyline/g)).toHaveLength(3)
  })

  test('draws what there is: one point, no held-out loss, no learning rate', () => {
    const svg = trainingPicture([{ step: 1, loss: 2 }], 'short')
    expect(svg).toContain('short: training loss 2 nats a token after 1 update<')
    expect(svg.match(/<circle/g)).toHaveLength(1)
    for (const text of ['held out', 'learning rate', 'NaN', 'Infinity']) expect(svg).not.toContain(text)
    expect(trainingPicture([], 'none')).toContain('nothing was measured')
  })
})

describe('the picture of recall', () => {
  const recall = (share: number): RecallResult => ({
    seed: 1,
    conversations: 100,
    misses: [],
    cells: [1, 8, 16].flatMap((facts) =>
      [1, 10, 100].map((distance) => ({
        condition: 'heldout' as const,
        facts,
        distance,
        distanceTokens: distance * 22,
        asked: 100,
        right: share * 100,
        stale: 0,
        ignorant: 0,
        share: share / (facts === 16 ? 2 : 1),
        interval: [share / 2 - 0.02, share + 0.02] as const,
        chanceTold: 1 / facts,
        chanceSet: 0.001,
      })),
    ),
  })

  test('says how many facts are known, and names every line, the guess too', () => {
    const svg = recallPicture(
      [
        { name: 'delta', result: recall(0.97) },
        { name: 'vanilla', result: recall(0.2) },
      ],
      'heldout',
    )
    expect(svg).toMatch(
      /<title>delta answers 97\u00A0% right for 8 facts, 48.5\u00A0% for 16, after 100 turns of small talk</,
    )
    for (const name of ['delta, 1 turn', 'delta, 100 turns', 'vanilla, 100 turns', 'guess among the told values'])
      expect(svg).toContain(`>${name}<`)
    expect(svg).toContain('100 turns of small talk are 2,200 tokens.')
    expect(svg).not.toContain('NaN')
  })
})

test.skipIf(!hasChromium)('every picture of the documents shows all its texts in a browser, none over another', () => {
  const folder = join(import.meta.dirname, '../../../docs')
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.svg'))
  expect(files.length).toBeGreaterThan(3)
  const found = textBoxes(files.map((file) => readFileSync(join(folder, file), 'utf8')))
  for (const [i, { width, height, boxes }] of found.entries()) {
    expect(boxes.length, files[i]).toBeGreaterThan(5)
    for (const box of boxes) {
      const inside = box.left >= 0 && box.right <= width && box.top >= 0 && box.bottom <= height
      expect(inside, `${files[i]}: ${box.text}`).toBe(true)
    }
    for (const [j, a] of boxes.entries())
      for (const b of boxes.slice(j + 1)) {
        const apart = a.right <= b.left || b.right <= a.left || a.bottom <= b.top + 4 || b.bottom <= a.top + 4
        expect(apart, `${files[i]}: ${a.text} over ${b.text}`).toBe(true)
      }
  }
})
