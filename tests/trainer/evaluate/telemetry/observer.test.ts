import { describe, expect, test } from 'vitest'
import { createModel } from '../../../../models/registry.ts'
import { openText } from '../../../../runtime/text.ts'
import { Observer } from '../../../../trainer/evaluate/telemetry/observer.ts'
import { TapStatistics } from '../../../../trainer/evaluate/telemetry/taps.ts'
import { initialise } from '../../../../trainer/backends/initialise.ts'
import { byteTokenizer } from '../../../support/byte-tokenizer.ts'

const codec = openText(byteTokenizer())
const small = { vocab: codec.vocabSize, width: 16, layers: 2, heads: 2, window: 8 }
const ids = [...codec.encode('one two three four')]

const observe = (architecture: string, options: object): Promise<Observer> => {
  const model = createModel(architecture, { ...small, ...options })
  const weights = initialise(model.params, 1)
  return Observer.open({ model, weights, codec, folder: '', step: 0, config: {} })
}

describe('an observer', () => {
  test('has the same state after a text, however it is cut; starting again forgets', async () => {
    const observer = await observe('delta', { layers: 'da', memoryHeads: 2, keys: 4, values: 4 })
    const path = 'blocks.0.delta.memory'
    expect(observer.memories.find((memory) => memory.path === path)!.shape).toEqual([2, 4, 4])
    observer.start(1)
    observer.read([ids])
    const whole = observer.state(path).slice()
    expect(whole.some((x) => x !== 0)).toBe(true)
    observer.start(1)
    expect(observer.state(path).every((x) => x === 0)).toBe(true)
    for (const id of ids) observer.read([[id]])
    for (const [i, x] of observer.state(path).entries()) expect(x).toBeCloseTo(whole[i]!, 5)
  })

  test('sees the gates of a delta memory, and each layer under a name of its own', async () => {
    const observer = await observe('delta', { layers: 'dd', memoryHeads: 2, keys: 4, values: 4, decay: 'head' })
    const taps = new TapStatistics()
    observer.start(2)
    observer.read([ids, ids], taps)
    observer.read([ids, ids])
    const found = taps.results()
    expect(found.map(({ name }) => name)).toEqual(['delta.beta', 'delta.decay', 'delta.beta#2', 'delta.decay#2'])
    for (const { min, max, variance } of found) {
      expect(min).toBeGreaterThan(0)
      expect(max).toBeLessThanOrEqual(1)
      expect(variance).toBeGreaterThan(0)
    }
  })

  test('sees which experts and which rows of a bank are used', async () => {
    const cases = [
      ['hmst', { hidden: 8, experts: 4, topExperts: 2 }, 'experts', 4],
      ['moc', { hidden: 8, rows: 16, chapters: 4, topChapters: 2 }, 'router', 4],
    ] as const
    for (const [architecture, options, name, choices] of cases) {
      const observer = await observe(architecture, options)
      const taps = new TapStatistics()
      observer.start(1)
      for (const id of ids) observer.read([[id]], taps)
      const found = taps.results().filter((result) => result.name.includes(name))
      expect(found.length).toBeGreaterThan(0)
      for (const { usage } of found) {
        expect(usage!.choices).toBe(choices)
        expect(usage!.effective).toBeGreaterThan(1)
        expect(usage!.effective).toBeLessThanOrEqual(choices + 1e-6)
      }
    }
  })
})
