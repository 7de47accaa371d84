/** What a reply reads of what its user told: what answers the question, in whatever words, and what holds now. */
import { afterAll, expect, onTestFinished, test } from 'vitest'
import { loadBundle } from '../../../runtime/bundle.ts'
import { openEmbedder } from '../../../runtime/embedder.ts'
import { DEFAULT_EMBEDDER } from '../../../server/cli.ts'
import { MemoryHistory } from '../../support/memory-history.ts'

const embedder = await openEmbedder(await loadBundle(DEFAULT_EMBEDDER))
afterAll(() => embedder.close())
const vectorOf = async (text: string) => ({
  embedder: 'bundled',
  vector: (await embedder.embed([embedder.encode(text)]))[0]!,
})

async function readAfter(messages: readonly string[], question: string): Promise<readonly string[]> {
  const history = new MemoryHistory(vectorOf)
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
