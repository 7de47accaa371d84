/** Several things told of one subject, one message after the other, asked in another conversation, without a model. */
import { afterAll, expect, test } from 'vitest'
import { bundledMemory } from '../../support/bundled-memory.ts'
import { MemoryHistory } from '../../support/memory-history.ts'
import { elaboratedCases } from '../../support/newcomer-cases.ts'

const bundled = await bundledMemory()
const history = new MemoryHistory(bundled)
afterAll(async () => {
  await history.close()
  bundled.close()
})

test.each([
  [
    ['We keep two goats behind the barn', 'they eat the hedge', 'the vet comes in march'],
    'what do our goats eat',
    'hedge',
  ],
  [['Our choir rehearses on Wednesdays.', 'I have the alto part.'], 'When does our choir rehearse?', 'Wednesdays'],
  [['My cousin Milo opened a bakery in Graz', 'he lives above it'], "in which town is my cousin's bakery", 'Graz'],
  [['My mum is 62', 'My dad is a baker', 'She retired in June'], 'when did my mum retire', 'June'],
  [['I sing in the choir on Wednesdays.', 'I sing alto'], 'when is choir', 'Wednesdays'],
  [['got a red canoe for 300', "it's in the garage"], 'where do i keep the canoe', 'garage'],
  // The sentence that is about what is asked has its value in the next one.
  [
    ['We have finally settled on a name for the goat. The grandchildren outvoted me, and so Pemba it is.'],
    'Remind me, what did the grandchildren call the goat?',
    'Pemba',
  ],
  // What a sentence is about is said before it in its message.
  [
    ["Our van failed its test. The rear tyres were bald. Kwame's garage wants 240 for the pair."],
    'how much do the new tyres for the van cost?',
    '240',
  ],
  // A reader knows that twins are babies, and who an animal doctor is.
  [['Twins are due 19 October, though they never wait that long'], "what's the due date for the babies", '19 October'],
  [["the vet's phone is 021 555 0187 they close at six"], 'Number to call for the animal doctor?', '021 555 0187'],
])('%s: %s', async (told, question, value) => {
  const user = told.join()
  for (const message of told) await history.say(message, user, user)
  expect((await history.ask(question, true, user)).text).toContain(value)
})

test('of people who go on about a subject at least 7 in 10 questions are answered', async () => {
  const cases = elaboratedCases().filter(({ part }, at) => part === 'P+' && at % 2 === 0)
  let right = 0
  for (const [at, { tells, asks, value }] of cases.entries()) {
    const user = `talker-${at}`
    for (const message of tells.flat()) await history.say(message, user, user)
    if ((await history.ask(asks, true, user)).text.toLowerCase().includes(value!.toLowerCase())) right++
  }
  expect(cases.length).toBeGreaterThan(60)
  expect(right / cases.length).toBeGreaterThan(0.7)
})
