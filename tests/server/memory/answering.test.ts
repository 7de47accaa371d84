/** What a reply reads of what its user told: what answers the question, in whatever words, and what holds now. */
import { afterAll, expect, onTestFinished, test, vi } from 'vitest'
import type { Deps } from '../../../server/deps.ts'
import { findEvidence } from '../../../server/memory/evidence.ts'
import { readQuestion } from '../../../server/memory/recall/question.ts'
import { replaces } from '../../../server/memory/recall/replaces.ts'
import type { Reader } from '../../../server/memory/reader.ts'
import { surelyAnswers } from '../../../server/memory/recall/surely.ts'
import { StoreError } from '../../../server/store/errors.ts'
import { bundledMemory } from '../../support/bundled-memory.ts'
import { DEPS, MemoryHistory } from '../../support/memory-history.ts'

const bundled = await bundledMemory()
afterAll(bundled.close)

async function readAfter(messages: readonly string[], question: string): Promise<readonly string[]> {
  const history = new MemoryHistory(bundled)
  onTestFinished(() => history.close())
  for (const message of messages) await history.say(message)
  return (await history.ask(question)).read
}

test.each([
  ['the plumber comes thursday at 8', 'when is someone looking at the pipes?'],
  [
    'Rheumatology is booked for 14 May at 11.15 with Dr Featherstonehaugh.',
    'Who will I see at the rheumatology appointment?',
  ],
  ['I sleep on the left hand side of the bed because of my shoulder', 'which side of the bed do I sleep on?'],
])('%j is read for %j', async (told, question) => {
  const others = ['We had soup for lunch and it was cold.', 'My cousin plays the trumpet.']
  expect(await readAfter([told, ...others], question)).toEqual([told])
})

test('a correction that no search finds is read beside what it was said of', async () => {
  const told = ['Table for four at Chez Louise', 'make that seven, the in-laws are joining']
  expect(await readAfter(told, 'how many people is the table for?')).toEqual(told)
})

test('where the correction answers by itself, what it takes the place of is not read', async () => {
  const [before, now] = [
    'I sleep on the left hand side of the bed',
    'since the op I sleep on the right hand side of the bed',
  ]
  expect(await readAfter([before, now], 'which side of the bed do I sleep on?')).toEqual([now])
})

test('nothing is read where nothing that was told answers', async () => {
  const told = ['I take amlodipine 5 mg in the morning', 'Dr Pasternak is my cardiologist']
  expect(await readAfter(told, "what's my booking reference for the flight?")).toEqual([])
})

test('a question of the world is answered with what was told beside it, though that is no answer', async () => {
  const told = 'I am allergic to peanuts'
  expect(await readAfter([told], 'Which peanuts snacks are friendly for allergic people?')).toEqual([told])
})

test('just what is asked stays among what is read where something like it was told of another', async () => {
  const [own, other] = ['my rent is 900', 'my sister pays 700 for hers now']
  expect(await readAfter([own, other], 'how much is my rent?')).toContain(own)
})

test('a page among the memories is weighed by its start, and takes no place', async () => {
  const page = 'The rent of the flats in this street is told in the papers of the town each year. '.repeat(200)
  const question = readQuestion('how much is my rent?', true)!
  const next = { before: '', isNext: true, similarity: null }
  expect(replaces(question, 'my rent is 900', { ...next, text: page })).toBe(0)
  expect(replaces(question, 'my rent is 900', { ...next, text: 'no, 940' })).toBeGreaterThan(0.3)
  const told = { fact: null, similarity: null }
  expect(surelyAnswers(question, [], { ...told, text: page })).toBe(
    surelyAnswers(question, [], { ...told, text: page.slice(0, 600) }),
  )
})

test('a few words told later are said of what was told just before them', () => {
  const question = readQuestion('when did we buy the house?', true)!
  const next = { text: 'make that 800', before: '', similarity: null, read: 4 }
  const said = 'Bought it in 1998 for 71 thousand, can you believe it'
  expect(replaces(question, said, { ...next, isNext: false })).toBe(0)
  expect(replaces(question, said, { ...next, isNext: true })).toBeGreaterThan(0.3)
})

test('where what was told around an answer cannot be looked at, the turn goes on with what was found', async () => {
  const history = new MemoryHistory(bundled)
  onTestFinished(() => history.close())
  await history.say('my locker code is 4071')
  vi.spyOn(history.store, 'listMemories').mockRejectedValue(new StoreError('away', 'the memories are away'))
  const use = { namespace: 'default', user: 'ann', read: true, write: true, pin: false }
  const search = { owner: 'tenant-a', use, message: 'what is my locker code?', made: null }
  const deps = { ...DEPS, store: history.store } as unknown as Deps
  const evidence = await findEvidence(deps, search, () => false, AbortSignal.timeout(10_000))
  expect(evidence?.entries.map(({ memory }) => memory.text)).toEqual(['my locker code is 4071'])
  expect(evidence?.features).toMatchObject({ second: 0 })
})

test('however many memories answer, a question reads a few of them beside each other', async () => {
  let pairs = 0
  const read: Reader['read'] = (owner, some, signal) => {
    pairs += some.length
    return bundled.reader!.read(owner, some, signal)
  }
  const history = new MemoryHistory({ ...bundled, reader: { name: 'counted', read } })
  onTestFinished(() => history.close())
  for (let day = 1; day <= 40; day++) await history.say(`my walk on day ${day} was ${day + 2} km`)
  pairs = 0
  expect((await history.ask('how long was my walk?')).read).not.toEqual([])
  expect(pairs).toBeGreaterThan(0)
  expect(pairs).toBeLessThanOrEqual(50)
})

test('where a fact is just what is asked, nothing that is only like it is read or put beside it', async () => {
  const read = vi.fn<Reader['read']>((owner, some, signal) => bundled.reader!.read(owner, some, signal))
  const history = new MemoryHistory({ ...bundled, reader: { name: 'counted', read } })
  onTestFinished(() => history.close())
  for (const of of ['school', 'hospital', 'phone']) await history.say(`I have Niamh as my ${of} teacher.`)
  await history.say('I have a teacher named Kenji.')
  const question = 'By the way, who is my teacher?'
  expect((await history.ask(question)).read).toEqual(['I have a teacher named Kenji.'])
  expect(read.mock.calls.flatMap(([, pairs]) => pairs).filter(({ first }) => first === question)).toEqual([])
})

test('of two questions in one, the one that no fact answers is read for', async () => {
  const [known, said] = ['I live in Leeds.', 'the wifi takes hunter22 as its password']
  const read: Reader['read'] = (_, some) =>
    Promise.resolve(some.map(({ second }) => ({ answers: second === said ? 5 : -5, replaces: -5 })))
  const history = new MemoryHistory({ ...bundled, reader: { name: 'knows', read } })
  onTestFinished(() => history.close())
  for (const text of [known, said]) await history.say(text)
  const asked = await history.ask("where do I live and what's my wifi password?")
  expect(asked.read.toSorted()).toEqual([known, said])
})

test('more is read where what looked surest turns out to be none', async () => {
  const texts = Array.from({ length: 20 }, (_, at) => `the keys of shed ${at} hang in the hall`)
  // A reader that says yes to one sentence, which words and meaning do not tell from the others.
  const readerOf = (answer: string): Reader['read'] => {
    return (_, some) =>
      Promise.resolve(some.map(({ second }) => ({ answers: second === answer ? 5 : -5, replaces: -5 })))
  }
  for (const answer of [texts[0]!, texts.at(-1)!]) {
    const history = new MemoryHistory({ ...bundled, reader: { name: 'knows', read: readerOf(answer) } })
    onTestFinished(() => history.close())
    for (const text of texts) await history.say(text)
    const { read } = await history.ask('where do the keys of the shed hang?')
    expect(read).toContain(answer)
    expect(read.length).toBeLessThanOrEqual(2)
  }
})
