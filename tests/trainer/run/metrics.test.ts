import { expect, test } from 'vitest'
import { Meter } from '../../../trainer/run/metrics.ts'

test('a meter gives means over updates, and the speed of the updates alone', () => {
  const meter = new Meter()
  meter.add({ loss: 3, norm: 1, tokens: 100, seconds: 0.5 })
  meter.add({ loss: 2, norm: 4, tokens: 100, seconds: 1.5 })
  expect(meter.take()).toEqual({ loss: 2.5, norm: 2.5, tokensPerSecond: 100 })
  meter.add({ loss: 1, norm: 1, tokens: 50, seconds: 0.1 })
  expect(meter.take()).toEqual({ loss: 1, norm: 1, tokensPerSecond: 500 })
})

test('a meter that continues from a checkpoint gives the means of one that was never interrupted', () => {
  const [whole, first, second] = [new Meter(), new Meter(), new Meter()]
  const updates = [0.1, 0.2, 0.7, 1 / 3].map((x) => ({ loss: x, norm: 2 * x, tokens: 7, seconds: x }))
  for (const update of updates) whole.add(update)
  for (const update of updates.slice(0, 2)) first.add(update)
  second.restore(JSON.parse(JSON.stringify(first.state)) as typeof first.state)
  for (const update of updates.slice(2)) second.add(update)
  expect(second.take()).toEqual(whole.take())
})
