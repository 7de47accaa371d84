import { describe, expect, test } from 'vitest'
import type { Decoder } from '../../../runtime/decoder.ts'
import { isHeldOut } from '../../../trainer/data/tasks/split.ts'
import type { Options } from '../../../trainer/data/tasks/task.ts'
import { taskPicture } from '../../../trainer/evaluate/task-picture.ts'
import { taskTable } from '../../../trainer/evaluate/task-table.ts'
import { decoderPredictor } from '../../../trainer/evaluate/predictor.ts'
import { evaluateTask, type TaskRequest } from '../../../trainer/evaluate/task.ts'
import { hashText } from '../../../trainer/random.ts'
import { fakeDecoder } from '../../support/fake-decoder.ts'

const evaluate = (decoder: Decoder, request: TaskRequest) => evaluateTask(decoderPredictor(decoder), request)

const recall: TaskRequest = {
  task: 'mqar',
  shared: { vocabulary: 128 },
  cells: [
    { length: 64, pairs: 8 },
    { length: 600, pairs: 30 },
  ],
  sequences: 20,
  seed: 3,
}

/** Reads key and value pairs, and answers by the value that followed the key first, at most `memory` tokens ago. */
const lookUp = (read: readonly number[], memory = Infinity): number => {
  const at = read.indexOf(read.at(-1)!)
  return read.length - 1 - (at + 1) <= memory ? read[at + 1]! : 0
}
const readsPairs = fakeDecoder(128, (read) => lookUp(read))
const alwaysWrong = fakeDecoder(128, () => 0)
/** One of the 64 values, decided by where it is, the question and a little of what was read. */
const guesses = fakeDecoder(
  128,
  (read) => 64 + (hashText(`${read.length} ${read.at(-1)} ${read.slice(0, 9).join()}`) % 64),
)

describe('evaluateTask', () => {
  test('one who looks up every pair has everything right', async () => {
    const { cells } = await evaluate(readsPairs, recall)
    expect(cells.map(({ asked, right }) => [asked, right])).toEqual([
      [160, 160],
      [600, 600],
    ])
    for (const cell of cells) {
      expect([cell.share, cell.scaled, cell.interval[1], cell.tokens.share]).toEqual([1, 1, 1, 1])
      expect(cell.interval[0]).toBeGreaterThan(0.95)
      expect(cell.interval[0]).toBeLessThan(1)
      expect(cell.sequences).toBe(20)
    }
    expect(cells.map(({ length }) => length)).toEqual([64, 600])
  })

  test('one who is always wrong has nothing right', async () => {
    const { cells } = await evaluate(alwaysWrong, recall)
    for (const { share, right, interval, scaled } of cells) {
      expect([share, right, interval[0]]).toEqual([0, 0, 0])
      expect(scaled).toBeLessThan(0)
    }
  })

  test('one who guesses is at the blind chance', async () => {
    const { cells } = await evaluate(guesses, { ...recall, sequences: 100 })
    for (const { chance, interval, scaled } of cells) {
      expect(chance.blind).toBe(1 / 64)
      expect(interval[0]).toBeLessThan(chance.blind)
      expect(interval[1]).toBeGreaterThan(chance.blind)
      expect(Math.abs(scaled)).toBeLessThan(0.02)
    }
    expect(cells.map(({ chance }) => chance.told)).toEqual([1 / 8, 1 / 30])
  })

  test('one who forgets after 63 tokens is right up to there, by distance', async () => {
    const forgets = fakeDecoder(128, (read) => lookUp(read, 63))
    const { distances } = (await evaluate(forgets, recall)).cells[1]!
    expect(distances.length).toBeGreaterThan(5)
    for (const { from, to, share } of distances) {
      expect(Number.isInteger(Math.log2(from))).toBe(true)
      expect(to).toBe(2 * from - 1)
      expect(share).toBe(from >= 64 ? 0 : 1)
    }
    expect(distances.reduce((sum, { asked }) => sum + asked, 0)).toBe(600)
  })

  test('an answer of several tokens is right only if all are, and its tokens are counted one by one', async () => {
    // Says every second letter of the string again
    const copies = fakeDecoder(27, (read) => {
      const mark = read.indexOf(26)
      const at = read.length - 1 - mark
      return mark === -1 || at % 2 === 1 ? 26 : read[at]!
    })
    const request = { task: 'copying', shared: {}, cells: [{ length: 1 }, { length: 8 }], sequences: 10, seed: 1 }
    const { cells } = await evaluate(copies, request)
    expect(cells.map(({ share }) => share)).toEqual([1, 0])
    expect(cells.map(({ tokens }) => [tokens.asked, tokens.right])).toEqual([
      [10, 10],
      [80, 40],
    ])
  })

  test('sequences of different lengths are read together and end where each of them ends', async () => {
    const xor = fakeDecoder(2, (read) => read.reduce((a, b) => a ^ b, 0))
    const cells = [{ length: 300, shortest: 3 }]
    const { cells: found } = await evaluate(xor, { task: 'parity', shared: {}, cells, sequences: 40, seed: 1 })
    expect(found[0]).toMatchObject({ asked: 40, right: 40, distances: [] })
  })

  test('the same seed asks the same held-out sequences of everybody, another seed others', async () => {
    const heard = async (seed: number, decoder: (read: readonly number[]) => number) => {
      const sequences = new Set<string>()
      const listens = fakeDecoder(128, (read) => {
        if (read.length === 64) sequences.add(read.join())
        return decoder(read)
      })
      const cells: Options[] = [{ length: 64, pairs: 16 }]
      await evaluate(listens, { ...recall, cells, seed, sequences: 5 })
      return sequences
    }
    const one = await heard(1, () => 0)
    expect(one.size).toBe(5)
    expect(await heard(1, lookUp)).toEqual(one)
    expect(await heard(2, () => 0)).not.toEqual(one)
    expect([...one].every((ids) => isHeldOut(ids.split(',').map(Number)))).toBe(true)
  })

  test('a model with too few tokens is refused before anything is fed', async () => {
    const fed = fakeDecoder(64, () => {
      throw new Error('fed')
    })
    await expect(evaluate(fed, recall)).rejects.toThrow(
      /eval mqar: expected a model with at least 128 tokens, got one with 64/,
    )
  })

  test('impossible options are refused, those of all cells before the first is measured', async () => {
    const cells = [{ length: 64, pairs: 8 }, { length: 63 }]
    await expect(evaluate(readsPairs, { ...recall, cells })).rejects.toThrow(/mqar\.length: expected an even/)
  })
})

describe('what is shown', () => {
  test('the table has a row for each set of options, with interval, guesses and number of answers', async () => {
    const table = taskTable(await evaluate(readsPairs, recall))
    expect(table).toContain('**mqar** (percent, 95 % intervals; 20 held-out sequences a row, seed 3)')
    expect(table).toContain('| length 64, pairs 8 | 64 | 100 (97.7 to 100) | 100 | 12.5 | 1.6 | 160 |')
    expect(table).not.toContain('tokens right')
  })

  test('answers of several tokens have a column of their own', async () => {
    const request = { task: 'copying', shared: {}, cells: [{ length: 3 }], sequences: 2, seed: 1 }
    expect(
      taskTable(
        await evaluate(
          fakeDecoder(27, () => 0),
          request,
        ),
      ),
    ).toContain('| tokens right |')
  })

  test('the picture has a point for each set of options, whatever they are, and names its guesses', async () => {
    const svg = taskPicture(await evaluate(readsPairs, recall))
    expect(svg).toMatch(/^<svg/)
    expect(svg).toMatch(/<title>mqar: .*% at length 600, pairs 30/)
    for (const text of ['guess among what was told', 'blind guess']) expect(svg).toContain(`>${text}<`)
    const parity = { task: 'parity', shared: {}, cells: [{ length: 8 }], sequences: 4, seed: 1 }
    const one = taskPicture(
      await evaluate(
        fakeDecoder(2, () => 0),
        parity,
      ),
    )
    expect(one).toContain('>guess<')
    expect(one.match(/<circle/g)).toHaveLength(1)
  })
})
