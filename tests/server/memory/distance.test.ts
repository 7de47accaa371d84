/** What a user told stays what it is, however much is said between: nothing on another topic takes its place, or answers for it. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { MemoryHistory } from '../../support/memory-history.ts'

let history: MemoryHistory
beforeAll(() => {
  history = new MemoryHistory(null)
})
afterAll(() => history.close())
let users = 0

/** A user of their own who has said this. */
async function after(...messages: readonly string[]) {
  const user = `user-${users++}`
  for (const message of messages) await history.say(message, user)
  return {
    ask: (question: string) => history.ask(question, false, user),
    say: (message: string) => history.say(message, user),
  }
}

const ANSWERED: readonly (readonly [name: string, tells: readonly string[], asks: string, value: string])[] = [
  [
    'a correction that names its topic leaves the fact before it',
    ['It is The Paper Winter, my podcast.', "Correction: I'm staying at the Paper Logistics."],
    'Tell me my podcast',
    'Paper Winter',
  ],
  [
    'a correction of a definite topic is of that topic',
    ['I set the meeting time to 7 am.', 'Sorry, I was wrong: the wake up time is 5:30 pm.'],
    'What was my meeting time again?',
    '7 am',
  ],
  [
    'a job that is new',
    ['My mother works as a bus driver.', 'My mother is an accountant now.'],
    'What does my mother do?',
    'accountant',
  ],
  [
    'a favorite without the word',
    ['I like beige best of all colors.', 'Correction: I love the film Buex.'],
    'please tell me what my favorite color is',
    'beige',
  ],
  [
    'what is forgotten of another topic',
    ['The secret word is castle summit cloud.', 'The safe word is ziour.', 'forget my safe word please'],
    'I forgot my secret word, what is it?',
    'castle summit cloud',
  ],
  [
    'when something ended long ago is told, and takes nothing back',
    ['Hey, I quit smoking 59 months ago.'],
    'How long ago did I stop smoking?',
    '59 months',
  ],
  [
    'a pastime that is liked is a hobby',
    ['My best friend enjoys running.', 'Dohe likes cycling.'],
    "Do you know my best friend's hobby?",
    'running',
  ],
  [
    'a favorite food is what somebody likes to eat',
    ["The sister's favorite food: eggs.", "My sister's hobby changed from dancing to running."],
    'What does my sister like to eat?',
    'eggs',
  ],
  ['the name of what was told asks for it', ['For my bus line I have 161919!'], 'bus line', '161919'],
  [
    'what follows an answer is on another topic',
    ["My grandmother's name is no longer María, it is José.", 'i changed my name to Jordi'],
    "What's my grandmother's name?",
    'José',
  ],
  [
    'what is denied of one is not denied of another',
    ['My neighbor loves fish and chips.', "My cousin's allergy is peanuts now, not fish and chips."],
    'what does my neighbor like to eat',
    'fish and chips',
  ],
]

test.each(ANSWERED)('%s', async (_, tells, asks, value) => {
  const { text, found } = await (await after(...tells)).ask(asks)
  expect(text).toMatch(/^You told me:/u)
  expect(text).toContain(value)
  expect(found.join('\n')).toContain(value)
})

const DENIED: readonly (readonly [tells: readonly string[], asks: string])[] = [
  [['The bank in Prague has a lime roof.', 'I finished the backpack for the bank.'], 'What did I say my bank was?'],
  [['This morning I fixed the shiny jacket.'], 'Can you remind me of my jacket color?'],
  [['The new neighbors are loud.'], 'What does my neighbor do?'],
  [['I saw a secret lion near the harbor.'], "What is my boat's harbor?"],
  [['My mother tongue: Polish.'], 'Who is my mother?'],
  [['My hamster was born on Monday.'], 'How old is my hamster?'],
  [['I have been married for 56 years.'], 'How old am I?'],
  [['You can call my partner at 0776 477400.'], 'Where did I meet my partner?'],
  [['My meeting time is 8 am.'], 'What time is my appointment?'],
  [['It is The Button Cedar, my podcast.', 'forget my podcast please', 'I like tea.'], 'whats the podcast'],
  [['I heard that Ulra has 23:40 as boarding time.'], 'What is my boarding time?'],
  [["My best friend's name is Anna."], "What is the best friend's employer?"],
]

test.each(DENIED)('of %j nothing answers "%s"', async (tells, asks) => {
  expect((await (await after(...tells)).ask(asks)).text).toMatch(/^You have not told me/u)
})

test('a value that is said to have changed goes, also where it was told in other words', async () => {
  const user = await after(
    'My son likes to eat dark chocolate.',
    "My son's favorite food changed from dark chocolate to walnuts.",
  )
  const { read, text } = await user.ask('What food does my son love?')
  expect(text).toContain('walnuts')
  expect(read.join('\n')).not.toContain('likes to eat dark chocolate')
})

test('what is said of others corrects nothing of the user', async () => {
  const user = await after('My appointment is at 6:30 pm.')
  expect((await user.say('I heard that the turtle has 19:05 as train time.')).ended).toEqual([])
})

test('of several things of a name none is the answer for sure', async () => {
  const user = await after('The cabin wifi password is copper62.', 'My hotel wifi password is trolier.')
  const { text } = await user.ask('Wifi password?')
  expect(text).toMatch(/^You have not told me that in so many words/u)
  expect(text).toMatch(/copper62.*trolier/u)
})
