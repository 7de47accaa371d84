/** A reader in the server: what it says of memories, and what happens when it cannot. */
import { expect, test, vi } from 'vitest'
import { READER_LABELS, readOf, toldText } from '../../../runtime/reader.ts'
import { createReader, readAnswers, readingOnce, type Reader } from '../../../server/memory/reader.ts'
import { readAs } from '../../../server/memory/recall/read-as.ts'
import type { MemoryHit } from '../../../server/store/memory-calls.ts'

const bundleOf = (labels: readonly string[]) =>
  ({ manifest: { name: 'tiny', classifier: { task: 'sequence', labels } } }) as never
const hits = ['the boat is at Braunston', "it's cold"].map(
  (text, at) => ({ memory: { id: `m${at}`, text, fact: null } }) as unknown as MemoryHit,
)
const before = new Map([['m1', 'we have a boat']])
const log = { warn: vi.fn() }
const reading = (reader: Reader | null, signal = AbortSignal.timeout(10_000)) =>
  readingOnce({ reader, log }, 'ann', signal)

test('the question and each memory, with what was told just before it, are read as pairs', async () => {
  const embed = vi.fn(() =>
    Promise.resolve({ vectors: [Float32Array.from([3, 1, 0, 0]), Float32Array.from([0, 2, 5, 5])], tokens: 0 }),
  )
  const reader = createReader(bundleOf(READER_LABELS), { runtime: 'test', embed })
  const reads = await readAnswers(reading(reader), 'where is our boat?', hits, before)
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

test('a correction that names nothing is read as the fact that it gives, one that says who it is of with what was before', () => {
  const time = { subject: 'user', attribute: 'gym time', value: '6' }
  expect(readAs({ text: 'sorry, 6', fact: time }, 'my gym time is 5')).toBe('my gym time is 6')
  expect(readAs({ text: 'no, the gym is at 6', fact: time }, 'I go to bed at 10')).toContain(
    '(before: I go to bed at 10)',
  )
  const teacher = { subject: 'violin teacher', attribute: 'name', value: 'Kenji' }
  expect(readAs({ text: 'no wait, Kenji', fact: teacher }, 'my violin teacher is Marta')).toBe(
    'my violin teacher is Kenji',
  )
  const job = { subject: 'sister', attribute: 'job', value: 'nurse' }
  expect(readAs({ text: "she's a nurse", fact: job }, 'my sister Ann is back')).toBe(
    "she's a nurse (before: my sister Ann is back)",
  )
  expect(readAs({ text: 'sorry, 6', fact: time }, '')).toBe('sorry, 6')
})

test('in one turn a pair is read once', async () => {
  const embed = vi.fn((inputs: readonly unknown[]) =>
    Promise.resolve({ vectors: inputs.map(() => Float32Array.from([0, 0, 4, 1])), tokens: 0 }),
  )
  const read = reading(createReader(bundleOf(READER_LABELS), { runtime: 'test', embed }))
  const pair = { first: 'bay 12', second: 'now bay 40' }
  await read([pair])
  const of = await read([pair, { first: 'bay 12', second: 'by the lift' }])
  expect(embed.mock.calls.map(([inputs]) => inputs.length)).toEqual([1, 1])
  expect([of('bay 12', 'now bay 40')?.replaces, of('bay 40', 'bay 12')]).toEqual([3, null])
})

test('without a reader nothing is read, and where it fails the turn goes on and the log says so', async () => {
  expect((await readAnswers(reading(null), 'where?', hits, before)).size).toBe(0)
  const embed = () => Promise.reject(new Error('the thread has ended'))
  const reader = createReader(bundleOf(READER_LABELS), { runtime: 'test', embed })
  expect((await readAnswers(reading(reader), 'where?', hits, before)).size).toBe(0)
  expect(log.warn).toHaveBeenCalledOnce()
})

test('a turn that has ended is not gone on with', async () => {
  const gone = AbortSignal.abort(new Error('the client has gone'))
  const embed = () => Promise.reject(new Error('the client has gone'))
  const reader = createReader(bundleOf(READER_LABELS), { runtime: 'test', embed })
  await expect(readAnswers(reading(reader, gone), 'where?', hits, before)).rejects.toThrow('the client has gone')
})

test('a classifier with other labels is refused by name', () => {
  const open = { runtime: 'test', embed: () => Promise.reject(new Error('unused')) }
  expect(() => createReader(bundleOf(['entailment', 'neutral']), open)).toThrow(
    '--reader: tiny: expected a bundle with a classifier of pairs that has the labels answers, answers not, replaces, replaces not',
  )
})

test('odds are those of the two labels of a question, and of the two of a change', () => {
  expect(readOf([1, 4, 2, 0.5])).toEqual({ answers: -3, replaces: 1.5 })
  expect(readOf([1, 4, 2, 0.5], 0.5)).toEqual({ answers: -6, replaces: 3 })
  expect(toldText('it is cold', '')).toBe('it is cold')
})
