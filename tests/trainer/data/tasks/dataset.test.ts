import { describe, expect, test } from 'vitest'
import type { Batch } from '../../../../trainer/data/batch.ts'
import {
  taskDataset,
  taskVocabulary,
  type TaskDataOptions,
  type TaskSource,
} from '../../../../trainer/data/tasks/dataset.ts'
import { setTask } from '../../../../trainer/data/tasks/registry.ts'
import { drawSequence, isHeldOut } from '../../../../trainer/data/tasks/split.ts'
import { Random } from '../../../../trainer/random.ts'

const source = (task: string, mix: object[], more: Partial<TaskSource> = {}): TaskSource => ({
  kind: 'task',
  task,
  options: {},
  stages: [{ untilTokens: 1e12, mix: mix as TaskSource['options'][] }],
  evaluate: [],
  ...more,
})
const open = (o: Partial<TaskDataOptions> = {}) =>
  taskDataset({
    source: source('rewrite', [{ pairs: 20, fewest: 1 }]),
    batch: 3,
    sequenceLength: 16,
    carry: true,
    seed: 1,
    part: 'train',
    ...o,
  })

/** The sequences of one row, put together again from their pieces. */
async function sequencesOf(data: ReturnType<typeof open>, row: number, sequenceLength: number, batches: number) {
  const found: { ids: number[]; scored: number[] }[] = []
  for (let i = 0; i < batches; i++) {
    const { ids, targets, weights, carry } = await data.next()
    if (carry[row] === 0) found.push({ ids: [], scored: [] })
    const range = [row * sequenceLength, (row + 1) * sequenceLength] as const
    found.at(-1)!.ids.push(...ids.slice(...range))
    found
      .at(-1)!
      .scored.push(...Array.from(weights.slice(...range)).flatMap((w, t) => (w > 0 ? [targets[range[0] + t]!] : [])))
  }
  return found.slice(0, -1)
}

describe('taskDataset', () => {
  test('a sequence begins without carry and goes on with carry until it is whole', async () => {
    const sequences = await sequencesOf(open(), 1, 16, 60)
    expect(sequences.length).toBeGreaterThan(10)
    expect(sequences.some(({ ids }) => ids.length > 16)).toBe(true)
    for (const { ids, scored } of sequences) {
      const [ask, end] = [18, 17]
      const at = ids.indexOf(ask)
      expect(scored).toEqual([ids[at + 1]])
      expect(ids[at + 2]).toBe(end)
      // What is left of the last piece is empty
      expect(ids.slice(at + 3).every((id) => id === 0)).toBe(true)
      expect(ids.length - (at + 3)).toBeLessThan(16)
    }
  })

  test('continued from a position it gives the same batches, in the middle of a sequence too', async () => {
    const data = open()
    for (let i = 0; i < 7; i++) await data.next()
    const position = JSON.parse(JSON.stringify(data.position())) as ReturnType<typeof data.position>
    const expected: Batch[] = []
    for (let i = 0; i < 20; i++) expected.push(await data.next())
    const again = open()
    await again.seek(position)
    for (const batch of expected) expect(await again.next()).toEqual(batch)
    await expect(open({ batch: 2 }).seek(position)).rejects.toThrow(/rewrite: expected a position of 2 rows, got 3/)
  })

  test('every sequence has the same weight in all, however many its answers', async () => {
    const mix = [
      { length: 16, pairs: 1 },
      { length: 16, pairs: 4 },
    ]
    const data = open({ source: source('mqar', mix, { options: { vocabulary: 64 } }), carry: false })
    for (let i = 0; i < 10; i++) {
      const { weights } = await data.next()
      for (let row = 0; row < 3; row++) {
        const own = weights.slice(row * 16, (row + 1) * 16)
        expect([1, 4]).toContain(own.filter((w) => w > 0).length)
        expect(own.reduce((sum, w) => sum + w, 0)).toBeCloseTo(1, 6)
      }
    }
  })

  test('a packed row is filled with sequences of one kind, which weigh 1 together', async () => {
    const mix = [
      { length: 8, pairs: 1 },
      { length: 24, pairs: 6 },
    ]
    const stages = [{ untilTokens: 1e12, mix, pack: true }]
    const data = open({
      source: source('mqar', [], { options: { vocabulary: 64 }, stages }),
      sequenceLength: 64,
      carry: false,
    })
    const answers = new Set<number>()
    for (let i = 0; i < 10; i++) {
      const { weights } = await data.next()
      for (let row = 0; row < 3; row++) {
        const own = weights.slice(row * 64, (row + 1) * 64)
        answers.add(own.filter((w) => w > 0).length)
        expect(own.reduce((sum, w) => sum + w, 0)).toBeCloseTo(1, 6)
      }
    }
    // Eight of 8 tokens with an answer each, or two of 24 with six
    expect(answers).toEqual(new Set([8, 12]))
  })

  test('rows differ, seeds differ, the same seed does not', async () => {
    const [{ ids }, same, other] = await Promise.all([open().next(), open().next(), open({ seed: 2 }).next()])
    expect(ids.slice(0, 16)).not.toEqual(ids.slice(16, 32))
    expect(same.ids).toEqual(ids)
    expect(other.ids).not.toEqual(ids)
  })

  test('stages follow each other by tokens given out, and a mix gives all of its kinds', async () => {
    const stages = [
      { untilTokens: 300, mix: [{ length: 4 }] },
      { untilTokens: 1e12, mix: [{ length: 8 }, { length: 12 }] },
    ]
    const data = open({ source: source('parity', [], { stages }), batch: 1, carry: false })
    const lengths: number[] = []
    for (let i = 0; i < 60; i++) lengths.push((await data.next()).weights.findIndex((w) => w > 0) + 1)
    expect(new Set(lengths.slice(0, 19))).toEqual(new Set([4]))
    expect(new Set(lengths.slice(19))).toEqual(new Set([8, 12]))
  })

  test('a sequence longer than a row is refused where rows do not go on', async () => {
    const data = open({ source: source('parity', [{ length: 17 }]), carry: false })
    await expect(data.next()).rejects.toThrow(/17 tokens does not fit sequenceLength 16; set carry=true/)
  })

  test('the vocabulary is that of all stages, and they must agree', () => {
    expect(taskVocabulary(source('mqar', [{ vocabulary: 600 }]))).toBe(600)
    expect(() => taskVocabulary(source('mqar', [{ vocabulary: 600 }, {}]))).toThrow(/one vocabulary .* 600, 8192/)
    expect(() => taskVocabulary(source('mqar', []))).toThrow(/at least one stage/)
  })
})

describe('held-out sequences', () => {
  test('are about one in eight, never one that training sees, and their answers are not lopsided', () => {
    const task = setTask('parity', { length: 16 })
    const random = new Random('split')
    const all = Array.from({ length: 4000 }, () => task.generate(random))
    const held = all.filter(({ ids }) => isHeldOut(ids))
    expect(held.length / all.length).toBeCloseTo(1 / 8, 1.3)
    const odd = held.filter(({ targets }) => targets.at(-1) === 1).length / held.length
    expect(odd).toBeGreaterThan(0.4)
    expect(odd).toBeLessThan(0.6)
    const [train, heldOut] = (['train', 'heldout'] as const).map(
      (part) => new Set(Array.from({ length: 2000 }, () => drawSequence(random, task, part).ids.join(''))),
    )
    expect([...heldOut!].filter((ids) => train!.has(ids))).toEqual([])
  })

  test('a task too small to have any is refused', () => {
    const one = { ids: [1, 1], targets: [0, 0], weights: [0, 1], answers: [] }
    expect(isHeldOut(one.ids)).toBe(false)
    const task = { ...setTask('parity', {}), generate: () => one }
    expect(() => drawSequence(new Random('x'), task, 'heldout')).toThrow(/found no heldout sequence in 1000 draws/)
    expect(drawSequence(new Random('x'), task, 'train')).toBe(one)
  })
})
