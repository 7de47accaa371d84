/** What people correct, told in one conversation and asked in another, without a model: as newcomers write it. */
import { afterAll, expect, test } from 'vitest'
import { bundledMemory } from '../../support/bundled-memory.ts'
import { MemoryHistory } from '../../support/memory-history.ts'

const bundled = await bundledMemory()
const history = new MemoryHistory(bundled)
afterAll(async () => {
  await history.close()
  bundled.close()
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

test('a correction is found among what else was told, each in a conversation of its own', async () => {
  const told = ['blood group o negative', 'b negative, not o negative', 'table for four at Chez Louise on friday']
  const more = ["make it eight, my brother's coming too", 'our kit color for five a side is yellow', 'Purple now.']
  const last = [
    'The membership number at the library is L-20917.',
    'Lost my card, the librarian printed a new one, L-33480.',
  ]
  for (const message of [...told, ...more, ...last]) await history.say(message, 'jo', message)
  const { text } = await history.ask("what's my library number?", true, 'jo')
  expect(text).toContain('L-33480')
  expect(text).not.toContain('L-20917')
})

test('what denies another thing is no answer', async () => {
  await history.say('My sister likes tea.', 'ann')
  await history.say('My aunt drinks coffee, not tea.', 'ann')
  const { text } = await history.ask('What does my sister like?', true, 'ann')
  expect(text).toContain('tea')
  expect(text).not.toContain('coffee')
})

test.each([
  [
    ['I am allergic to nuts.', 'The nuts are gone, thankfully. I am allergic to eggs.'],
    'What am I allergic to?',
    'nuts',
  ],
  [['My sister is Ann.', 'Ann is out tonight. My other sister is Eve.'], 'What is the name of my sister?', 'Ann'],
  [['My parents live in Rome.', 'My mum and dad moved to Milan.'], 'Where do my parents live?', 'Milan'],
  [['our kit color is yellow', 'Start now'], 'what color is our kit?', 'yellow'],
  [['I work at Acme Inc. in Paris.'], 'Where do I work?', 'Paris'],
  [
    ['My late wife, Constance, taught mathematics.', 'We were married in Whitby.'],
    'What was my wife called?',
    'Constance',
  ],
  [['I come from Olomouc but now I work in Linz.'], 'What is my home town?', 'Olomouc'],
  [
    ["We've got an old Zafira.", "The Zafira finally died on the ring road so I'm driving a Berlingo."],
    'What car have I got?',
    'Berlingo',
  ],
  [['supervisor is Big Kev, sound bloke'], 'who is my supervisor', 'Big Kev'],
  [
    ["Anouk's lesson is 4:15 on Wednesdays", "My bad, Anouk comes at 4:45, it's Felix who is 4:15"],
    'When does Anouk come for her lesson?',
    'Anouk comes at 4:45',
  ],
  [['My shed key is under the pot.', 'The constructor class is in room 4'], 'Where is the shed key?', 'under the pot'],
])('%s still answers', async (told, question, value) => {
  const user = told.join()
  for (const message of told) await history.say(message, user)
  expect((await history.ask(question, true, user)).text).toContain(value)
})

test("a sister's password is not the user's, whatever it is of", async () => {
  await history.say("My sister's Netflix password is abc123.", 'eve')
  expect((await history.ask('What is my Netflix password?', true, 'eve')).text).not.toContain('abc123')
})

test('a word that programs know is a word', async () => {
  expect((await history.ask('What is my constructor?', true, 'nobody')).text).toBe(
    'You have not told me your constructor.',
  )
})

test.each([
  ['im allergic to almonds', 'walnuts*', 'what am i allergic to', 'walnuts', 'almonds'],
  ['my favourite band is Muse', '*Blur', "what's my favourite band", 'Blur', 'Muse'],
])('a starred word is the one that was meant: %s / %s', async (told, starred, question, value, old) => {
  await history.say(told, starred)
  await history.say(starred, starred)
  const { text } = await history.ask(question, true, starred)
  expect(text).toContain(value)
  expect(text).not.toContain(old)
})

test('what somebody else does is no other name of whom was told of before', async () => {
  await history.say('My mother in law is called Halina', 'zosia')
  expect((await history.say('Actually Zosia turned 15 on Saturday', 'zosia')).ended).toEqual([])
})

test.each([
  [
    'I treat for varroa with Apivar strips every autumn.',
    'The mites stopped minding the strips. Gone over to oxalic acid.',
    'What am I using against the mites?',
    'oxalic acid',
  ],
])('%s / %s: what is over is quoted with what is instead', async (told, corrects, question, value) => {
  for (const message of [told, corrects]) await history.say(message, told)
  expect((await history.ask(question, true, told)).text).toContain(value)
})

test('a price is not corrected by what somebody else does', async () => {
  await history.say('on the side i braid hair, knotless braids at 1200', 'kamau')
  await history.say('actually its 1500 now for knotless', 'kamau')
  expect((await history.say('kamau is in form 3 now', 'kamau')).ended).toEqual([])
})

test('a sentence of the user that names a friend answers what is asked of the user', async () => {
  const told = 'im saving to go to zanzibar in december w my friend Akinyi'
  await history.say(told, 'akinyi')
  expect((await history.ask('what am i saving for', true, 'akinyi')).text).toContain(told)
})

test('a starred word that mends a spelling leaves what was said around it', async () => {
  await history.say('my locker is on the thrid floor', 'bo')
  await history.say('third*', 'bo')
  expect((await history.ask('which floor is my locker on', true, 'bo')).text).toContain('floor')
})

test.each([
  ['My locker code is 4071', '* buy milk', "what's my locker code", '4071'],
  ['My locker code is 4071', 'lol*', "what's my locker code", '4071'],
  ["My sister's name is Anna", '* thanks!', "what's my sister's name", 'Anna'],
  ['my favourite band is Muse', '*yawns', "what's my favourite band", 'Muse'],
  ['I live in Bern', 'f*', 'where do I live', 'Bern'],
  ['I have a dog called Rex and a cat called Tom', '*Tim', 'what is my dog called', 'Rex'],
  ['My friend Hamish keeps bees', 'Why did the minister not come?', 'what does Hamish keep', 'bees'],
  [
    'thursdays I go to the chess club, my brother Piotr got me into it',
    "We changed our minds about Slovenia, we're going to Croatia instead",
    "what's my brother's name",
    'Piotr',
  ],
  ['Paid Dave back.', 'piotr moved to Sopot last month', 'who did I pay back', 'Dave'],
  [
    'I drive the number 49 bus in Leeds',
    'Been doing it since 2011, before that I was a welder',
    'which bus do I drive?',
    '49',
  ],
  [
    'Got three hives on the allotment behind the church.',
    "Mum's in Gdansk on her own since dad died in 2019",
    'where are my hives?',
    'allotment',
  ],
])('%s / %s corrects nothing', async (told, starred, question, value) => {
  const user = `${told} ${starred}`
  for (const message of [told, starred]) await history.say(message, user)
  expect((await history.ask(question, true, user)).text).toContain(value)
})

test.each([
  [
    'Dana wants a blue scarf i think',
    'correction, Dana wants a green scarf not a blue one',
    'what colour scarf should i buy',
    'green',
  ],
  [
    'They are coming to stay with us at the end of August.',
    'Ingrid has changed her plans. They are not coming in August after all but in the October half-term, because Felix broke his arm.',
    'When is Ingrid coming to visit?',
    'in the October half-term',
  ],
])('what is quoted of a correction is whole: %s / %s', async (told, corrects, question, value) => {
  for (const message of [told, corrects]) await history.say(message, corrects)
  const { text } = await history.ask(question, true, corrects)
  expect(text).toContain(value)
  expect(text).not.toMatch(/"correction"|They but/u)
})

test('just what is asked is not over for a fact about something else that sounds like a correction', async () => {
  const other = new MemoryHistory(bundled)
  for (const message of [
    'My boss works for Rorosii.',
    "Update: my boss's employer is Dribreail.",
    "My boss's job is a social worker now, not a software developer.",
  ])
    await other.say(message)
  const { text } = await other.ask('Who does my boss work for?')
  await other.close()
  expect(text).toContain('Dribreail')
})

test.each([
  ['I am a baker.', 'I was a teacher for ten years.', 'What is my job?', 'baker'],
  ['I live in Oslo.', 'We used to live in Graz.', 'Where do I live?', 'Oslo'],
  ['I work at Bosch.', 'I used to work at Siemens.', 'Where do I work?', 'Bosch'],
  ['We are vegetarian these days.', 'I was vegan for two years before that.', 'What do I eat?', 'vegetarian'],
  ['My sister works as a nurse.', 'She was a florist before.', 'What does my sister do?', 'nurse'],
  ['I live in Oslo.', 'I used to live in Oslo, now I am in Bergen.', 'Where do I live?', 'Bergen'],
  ['My gym time is 5.', 'it used to be 5 but now it is 7', 'When is my gym time?', '7'],
])('what was so once takes the place of nothing: %s / %s', async (told, later, question, value) => {
  const user = `${told} ${later}`
  for (const message of [told, later]) await history.say(message, user)
  expect((await history.ask(question, true, user)).text).toContain(value)
})

test.each([
  ['the wifi password is tulip-99-frog', "actually they changed it, now it's tulip-11-toad", 'What is my dog called?'],
  ['the wifi password is tulip-99-frog', "actually they changed it, now it's tulip-11-toad", 'When is my birthday?'],
  [
    'the wifi password is tulip-99-frog',
    "actually they changed it, now it's tulip-11-toad",
    "what's the capital of Peru?",
  ],
  ['my gym time is 5', 'sorry, 6', 'how many kids do I have?'],
  ['my violin teacher is Marta', 'no wait, Kenji', 'what is my brother called?'],
])('a correction that names nothing is no answer to just anything: %s / %s', async (told, later, question) => {
  const user = `${later} ${question}`
  for (const message of [told, later]) await history.say(message, user)
  const { text } = await history.ask(question, true, user)
  expect(text).toMatch(/^You have not told me/u)
  expect(text).not.toContain(later)
})

test('what is told with what is taken back is remembered', async () => {
  const user = 'baker'
  for (const message of ['I work at the bike shop.', "I quit the bike shop, I'm at a bakery now"])
    await history.say(message, user)
  expect((await history.ask('where do I work?', true, user)).text).toContain('bakery')
})

test.each([
  [
    'My landlord is Mr. Okafor, his number is 555-0199',
    "can you forget my landlord's number please",
    'who is my landlord?',
    'Okafor',
    '555',
  ],
  [
    'My landlord is Mr. Okafor, his number is 555-0199',
    "forget my landlord's number",
    "what's my landlord's number?",
    '',
    '555',
  ],
  [
    'My bowling average is 180 and my high score is 244.',
    'forget my bowling average',
    'what is my high score?',
    '244',
    '180',
  ],
  [
    'My bowling average is 180 and my high score is 244.',
    'forget my bowling average',
    'what is my bowling average?',
    '',
    '180',
  ],
])(
  'what is taken back is not shown with what was told in the same sentence: %s / %s',
  async (told, order, question, value, gone) => {
    const user = `${told} ${question}`
    for (const message of [told, order]) await history.say(message, user)
    const { text, read } = await history.ask(question, true, user)
    expect(text).toContain(value)
    expect([text, ...read].join(' ')).not.toContain(gone)
  },
)

test('of two facts of one sentence, a correction in another conversation is of the one that it names', async () => {
  const user = 'driver'
  await history.say('My car is a green Skoda Octavia, plate KR 4482 T', user, 'first')
  await history.say("the plate changed, it's KR 9911 Z now", user, 'second')
  expect((await history.ask("what's my plate number?", true, user)).text).toContain('KR 9911 Z')
  expect((await history.ask('what car do I have?', true, user)).text).toContain('Skoda')
})

test.each(['who are you?', 'where do you live?', 'what is your name?'])(
  '%s asks nothing of what was told',
  async (question) => {
    const user = question
    for (const message of ['everyone calls me Dima', "it's in the shed behind the paint cans"])
      await history.say(message, user)
    expect((await history.ask(question, true, user)).text).not.toMatch(/Dima|shed/u)
  },
)
