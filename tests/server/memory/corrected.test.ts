/** What people correct, told in one conversation and asked in another, without a model: as newcomers write it. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { loadBundle } from '../../../runtime/bundle.ts'
import { openEmbedder, type Embedder } from '../../../runtime/embedder.ts'
import { DEFAULT_EMBEDDER } from '../../../server/cli.ts'
import { MemoryHistory } from '../../support/memory-history.ts'

let embedder: Embedder
let history: MemoryHistory
beforeAll(async () => {
  embedder = await openEmbedder(await loadBundle(DEFAULT_EMBEDDER))
  history = new MemoryHistory(async (text) => ({
    embedder: 'bundled',
    vector: (await embedder.embed([embedder.encode(text)]))[0]!,
  }))
})
afterAll(async () => {
  await history.close()
  embedder.close()
})

test.each([
  ['blood group o negative', 'b negative, not o negative', "what's my blood type", 'b negative', 'o negative'],
  [
    'The tulips go in bed number four.',
    'Bed six, not four.',
    'Which bed did I put the tulips in?',
    'six',
    'number four',
  ],
  [
    'bringing coleslaw to the picnic',
    'brownies instead of coleslaw',
    'what am I taking to the picnic?',
    'brownies',
    'coleslaw',
  ],
  [
    'our kit color for five a side is yellow',
    'Purple now.',
    'what color are we wearing for five a side',
    'Purple',
    'yellow',
  ],
  [
    'We go to Zakopane for skiing, six persons.',
    'make it eight, my brother and his girlfriend come too',
    'how many people are going skiing with us?',
    'eight',
    'six',
  ],
  [
    'My collar size is 15 and a half.',
    'sorry I meant 16 and a half for the collar, not 15 and a half',
    'What collar size do I take?',
    '16 and a half',
    '15 and a half',
  ],
  [
    'my best friend in the dorm is Xiaoyu, she live in 305',
    'Xiaoyu change the room, she live in 418, more sun.',
    'which room is Xiaoyu?',
    '418',
    '305',
  ],
  [
    'we named the hamster Pickle',
    'vote was rigged, Pickle is out. hamster is called Stormzy.',
    'name of our hamster?',
    'Stormzy',
    'Pickle',
  ],
  [
    'My violin teacher is called Mrs. Szabo.',
    'Spelling: Szabó, with an accent on the o.',
    "How is my violin teacher's name written?",
    'Szabó',
    'Szabo',
  ],
  [
    'The membership number at the library is L-20917.',
    'Lost my card, the librarian printed a fresh one, L-33480.',
    "what's my library number?",
    'L-33480',
    '20917',
  ],
])('%s / %s', async (told, corrected, question, value, old) => {
  const user = told
  await history.say(told, user)
  await history.say(corrected, user)
  const { text } = await history.ask(question, true, user)
  expect(text).toContain(value)
  expect(text).not.toContain(old)
})

test('what denies another thing is no answer', async () => {
  await history.say('My sister likes tea.', 'ann')
  await history.say('My aunt drinks coffee, not tea.', 'ann')
  expect((await history.ask('What does my sister like?', true, 'ann')).text).toContain('tea')
})
