/** What was told after an answer, and whether it takes its place: what people write, with the bundled embedder and reader. */
import { beforeAll, expect, test } from 'vitest'
import { loadBundle } from '../../../runtime/bundle.ts'
import { openEmbedder, type Embedder } from '../../../runtime/embedder.ts'
import { DEFAULT_EMBEDDER } from '../../../server/cli.ts'
import { withLater } from '../../../server/critic/later.ts'
import type { Surroundings } from '../../../server/memory/recall/follow.ts'
import { readingOnce } from '../../../server/memory/reader.ts'
import { comparing } from '../../../server/memory/similarity.ts'
import type { Deps } from '../../../server/deps.ts'
import type { Fact } from '../../../server/memory/facts/fact.ts'
import { toldBy } from '../../../server/memory/facts/told-by.ts'
import { readQuestion } from '../../../server/memory/recall/question.ts'
import type { Memory } from '../../../server/store/memory-calls.ts'
import { openReader } from '../../support/bundled-reader.ts'

let embedder: Embedder
let read: Awaited<ReturnType<typeof openReader>>
beforeAll(async () => {
  embedder = await openEmbedder(await loadBundle(DEFAULT_EMBEDDER))
  read = await openReader()
})

const memoryOf = (text: string, at: number, fact: Memory['fact'] = null): Memory => {
  const source = { response: `turn-${at}`, conversation: 'c', start: 0, end: text.length }
  const times = { created: at, updated: at, expires: null, ended: null }
  return { id: `mem_${at}`, text, metadata: {}, fact, namespace: 'default', user: 'ann', source, ...times }
}

/** What is quoted of sentences that were told one after the other, of which the first is the answer. */
async function quoted(question: string, told: readonly Memory[], answer = told[0]!): Promise<readonly string[]> {
  const at = told.indexOf(answer)
  const vectors = async (texts: readonly string[]): Promise<unknown> => ({
    vectors: await embedder.embed(texts.map((text) => embedder.encode(text))),
  })
  const served = { leastSimilarity: 0.55, maxTokens: 512, embed: vectors }
  const deps = { embedders: [served], log: console } as unknown as Deps
  const surroundings: Surroundings = {
    around: async () => ({ own: answer, before: told.slice(0, at).toReversed(), after: told.slice(at + 1) }),
    compare: comparing(deps, 'tenant-a'),
    read: readingOnce({ reader: read.reader, log: console }, 'tenant-a', AbortSignal.timeout(60_000)),
  }
  const first = { id: answer.id, text: answer.text, fact: null, score: 1, sure: 1, read: null, order: at }
  const recollection = { question: readQuestion(question, true)!, answers: [first], isNear: false }
  return (await withLater(question, recollection, surroundings)).answers.map(({ text }) => text)
}

/** As the rules read them. */
function asTold(...texts: readonly string[]): Memory[] {
  const known: Fact[] = []
  return texts.map((text, at) => {
    const [fact] = toldBy(text, known).facts
    if (fact) known.push(fact)
    return memoryOf(text, at, fact ? { subject: fact.subject, attribute: fact.attribute, value: fact.value } : null)
  })
}

test.each([
  ['how many people is the table for?', 'Table for four at Chez Louise', 'make that seven, the in-laws are joining'],
  ['where is my bestie going to uni', 'my bestie is going to uni in leeds', 'she switched its glasgow now'],
  ['when is the plumber coming?', 'the plumber comes thursday at 8', 'no wait, friday, he called'],
  ['which room is my trombone lesson in', 'sub for the trombone lesson: mr. Hale, room 22', 'room 31'],
  ['what do i punch in to open my locker', 'my locker code is 4471', '4417*'],
  ['where are the tomatoes?', 'The tomatoes are in the south bed', 'Moved the tomato plants into the greenhouse'],
  ['where am i working this month', 'night shift on ward 7 all month', 'they floated me to ICU til end of month'],
])('%s %j, then %j: the later one is quoted', async (question, said, next) => {
  expect(await quoted(question, asTold(said, next))).toEqual([next])
})

test.each([
  ['where does my sister live?', 'My sister lives in Leeds', 'She works at Aldi'],
  ["what's the puppy called?", 'We named the puppy Biscuit', 'the vet comes on friday'],
  ['where are my keys?', 'the keys are under the blue pot', 'the kitchen is green'],
  ['when is the plumber coming?', 'the plumber comes thursday at 8', 'he wants cash'],
  ['how old is my son?', 'my son is 7', 'he goes to Hillside primary'],
  ['what is my locker code?', 'my locker code is 4471', 'my luggage code is 9021'],
  ['when is the dentist?', 'dentist is tuesday at 3', 'we are flying to Lisbon on friday'],
])('%s %j, then %j: the first one is quoted', async (question, said, next) => {
  expect(await quoted(question, asTold(said, next))).toEqual([said])
})

test('what rules have read as a fact about somebody else takes no place, whatever its words of change', async () => {
  const birthday = { subject: 'partner', attribute: 'birthday', value: '12 March' }
  const name = { subject: 'sister', attribute: 'name', value: 'Niamh Baker' }
  const told = [
    memoryOf("Actually, my partner's birthday is 12 March", 0, birthday),
    memoryOf("My sister's name changed to Niamh Baker", 1, name),
  ]
  expect(await quoted("when is my partner's birthday", told)).toEqual([told[0]!.text])
})

test('of a turn that corrects, the part is quoted that has what is asked', async () => {
  const [said, first, second] = asTold(
    'Lent my drill to Pete',
    'Pete dropped the drill back.',
    'Then Sunita borrowed it.',
  )
  const told = [said!, first!, { ...second!, source: first!.source }]
  expect((await quoted("Who's got my drill?", told)).join(' ')).toContain('Sunita')
  expect((await quoted("Who's got my drill?", told, told[1])).join(' ')).toContain('Sunita')
})

test('a number that is said anew takes the place of the one before', async () => {
  const told = asTold("There's six of us in the house", 'seven of us since Tuesday, welcome baby Joaquín')
  expect(await quoted('how many people live at our house?', told)).toEqual([told[1]!.text])
})
