/** A reader in the server: what it says of memories, and what happens when it cannot. */
import { expect, test, vi } from 'vitest'
import { READER_LABELS, readOf, toldText } from '../../../runtime/reader.ts'
import { createReader, readAnswers } from '../../../server/memory/reader.ts'
import type { MemoryHit } from '../../../server/store/memory-calls.ts'

const bundleOf = (labels: readonly string[]) =>
  ({ manifest: { name: 'tiny', classifier: { task: 'sequence', labels } } }) as never
const hits = ['the boat is at Braunston', "it's cold"].map(
  (text, at) => ({ memory: { id: `m${at}`, text } }) as MemoryHit,
)
const contexts = new Map([['m1', { text: 'we have a boat', named: ['boat'], other: [] }]])
const log = { warn: vi.fn() }
const signal = AbortSignal.timeout(10_000)

test('the question and each memory, with what it leans on, are read as pairs', async () => {
  const embed = vi.fn(() =>
    Promise.resolve({ vectors: [Float32Array.from([3, 1, 0, 0]), Float32Array.from([0, 2, 5, 5])], tokens: 0 }),
  )
  const reader = createReader(bundleOf(READER_LABELS), { runtime: 'test', embed })
  const reads = await readAnswers({ reader, log }, 'ann', 'where is our boat?', hits, contexts, signal)
  expect(embed.mock.calls[0]).toMatchObject([
    [
      { first: 'where is our boat?', second: 'the boat is at Braunston' },
      { first: 'where is our boat?', second: "it's cold (before: we have a boat)" },
    ],
    { owner: 'ann' },
  ])
  expect([...reads]).toEqual([
    ['m0', 2],
    ['m1', -2],
  ])
})

test('without a reader nothing is read, and where it fails the turn goes on and the log says so', async () => {
  expect((await readAnswers({ reader: null, log }, 'ann', 'where?', hits, contexts, signal)).size).toBe(0)
  const embed = () => Promise.reject(new Error('the thread has ended'))
  const reader = createReader(bundleOf(READER_LABELS), { runtime: 'test', embed })
  expect((await readAnswers({ reader, log }, 'ann', 'where?', hits, contexts, signal)).size).toBe(0)
  expect(log.warn).toHaveBeenCalledOnce()
})

test('a turn that has ended is not gone on with', async () => {
  const gone = AbortSignal.abort(new Error('the client has gone'))
  const embed = () => Promise.reject(new Error('the client has gone'))
  const reader = createReader(bundleOf(READER_LABELS), { runtime: 'test', embed })
  await expect(readAnswers({ reader, log }, 'ann', 'where?', hits, contexts, gone)).rejects.toThrow(
    'the client has gone',
  )
})

test('a classifier with other labels is refused by name', () => {
  const open = { runtime: 'test', embed: () => Promise.reject(new Error('unused')) }
  expect(() => createReader(bundleOf(['entailment', 'neutral']), open)).toThrow(
    '--reader: tiny: expected a bundle with a classifier of pairs that has the labels answers, answers not, replaces, replaces not',
  )
})

test('odds are those of the two labels of a question, and of the two of a change', () => {
  expect(readOf([1, 4, 2, 0.5])).toEqual({ answers: -3, replaces: 1.5 })
  expect(toldText('it is cold', '')).toBe('it is cold')
})
