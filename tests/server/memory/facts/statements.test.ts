import { expect, test } from 'vitest'
import { toldBy } from '../../../../server/memory/facts/told-by.ts'

const kept = (message: string): string[] => {
  const { facts, statements } = toldBy(message)
  return [...new Set([...facts.map(({ sentence }) => sentence.text), ...statements.map(({ text }) => text)])]
}

test.each([
  ['the results are here!! 84 percent', ['the results are here!! 84 percent']],
  ['best film ever? paddington hands down', ['best film ever? paddington hands down']],
  ['my wage is 38k before tax, is that ok for Leeds?', ['my wage is 38k before tax']],
  ["can't stand olives, they taste like soap", ["can't stand olives, they taste like soap"]],
  ['cellar 7731#', ['cellar 7731#']],
  ['my bad, 74', ['my bad, 74']],
  ['typo: Kowalczyk', ['typo: Kowalczyk']],
  ['paintball*', ['paintball*']],
  ['Cucumbers. Not sweet peas.', ['Cucumbers. Not sweet peas.']],
  ['I got accepted!!! Cardiff!!!', ['I got accepted!!! Cardiff!!!']],
  ['I gave up my desk and work out of the library now', ['I gave up my desk and work out of the library now']],
  ['You can email me at joan@mail.example', ['You can email me at joan@mail.example']],
  ['gluten free here, just so u know', ['gluten free here, just so u know']],
  ['have set up a direct debit for the grandkids', ['have set up a direct debit for the grandkids']],
  ["can't do my own bra up, so Nadia comes round", ["can't do my own bra up, so Nadia comes round"]],
  ["When I'm anxious I count in Welsh", ["When I'm anxious I count in Welsh"]],
  ['I cannot sleep facing the door', ['I cannot sleep facing the door']],
  ["that's planned for next March, two bedrooms", ["that's planned for next March, two bedrooms"]],
  ["good news, mustard's been scrapped, it's navy", ["good news, mustard's been scrapped, it's navy"]],
  ['you have to build it standing up', ['you have to build it standing up']],
  ['Repeat prescription goes to Boots', ['Repeat prescription goes to Boots']],
  ["count's been put off to May", ["count's been put off to May"]],
  ["We're off to Slovenia in September", ["We're off to Slovenia in September"]],
  ['Beko fridge', ['Beko fridge']],
  ['eldest: Jadwiga', ['eldest: Jadwiga']],
  ['vegan btw', ['vegan btw']],
  ['Leeds fan', ['Leeds fan']],
  ['corgi, Nansi', ['corgi, Nansi']],
  ['sister Morag. Inverness. paramedic.', ['sister Morag. Inverness. paramedic.']],
  ['Was a bus conductor 30 year, Halifax depot', ['Was a bus conductor 30 year, Halifax depot']],
  ['Check-out is at 11 but they keep the bags till 4', ['Check-out is at 11 but they keep the bags till 4']],
  ["I'm with Jio for mobile", ["I'm with Jio for mobile"]],
  ['My godfather Heniek keeps bees', ['My godfather Heniek keeps bees']],
  ['Hey, guess what, they moved me to the 16', ['Hey, guess what, they moved me to the 16']],
  [
    'Pick-up is at 12:15 for the first two weeks, says the teacher',
    ['Pick-up is at 12:15 for the first two weeks, says the teacher'],
  ],
  ['pick up at the Malt Shovel, 9 sharp', ['pick up at the Malt Shovel, 9 sharp']],
  ['Check in from 3, breakfast at 8', ['Check in from 3, breakfast at 8']],
  ['Review with Dr Yusuf on the 5th', ['Review with Dr Yusuf on the 5th']],
  ['tell them 52 now, the cousins are coming', ['tell them 52 now, the cousins are coming']],
  ['Could you note I use they/them at the library', ['Could you note I use they/them at the library']],
  ['Please be aware that the tannery closes at 16:30', ['Please be aware that the tannery closes at 16:30']],
  [
    'hey can you believe it I won the raffle, a weekend in Bruges',
    ['hey can you believe it I won the raffle, a weekend in Bruges'],
  ],
  ['sorry 75mg', ['sorry 75mg']],
  ["that's 52 covers tonight", ["that's 52 covers tonight"]],
  [
    "The nursery closes at quarter to six and they charge you if you're late",
    ["The nursery closes at quarter to six and they charge you if you're late"],
  ],
  ['blue bands this time', ['blue bands this time']],
  // What somebody settles on is no home.
  ['half of them have read it, so we settled on Circe', ['half of them have read it, so we settled on Circe']],
  ['the heat ruined them, new ones are in the drawer', ['the heat ruined them, new ones are in the drawer']],
  ['has to be kidney beans AND black beans', ['has to be kidney beans AND black beans']],
  [
    'My old Peugeot was stolen; with the insurance money we bought a Gazelle',
    ['My old Peugeot was stolen; with the insurance money we bought a Gazelle'],
  ],
])('%s is kept', (message, texts) => {
  expect(kept(message)).toEqual(texts)
})

test.each([
  "thank you, you've been ever so kind",
  'lol ur slow today',
  'stop writing such long replies',
  'You already said that a minute ago!',
  'Traffic is awful tonight',
  'My bad!',
  'Cool. Ok.',
  'can you remember something for me',
  'can you believe it',
  'pick a number between one and ten',
  'check my spelling please',
  'show me a picture of a cat',
  'blue and tired today',
  'this heat is too much',
  'that was a good one, thank you',
  'I like how you answer things',
  'kindly make this paragraph shorter',
  'have you eaten yet',
  "can't you do that?",
  "I can't sleep again",
  "that's so kind of you",
  'you have to answer in one sentence',
  'if you say so',
  'have to run, bye',
  'since when do i have asthma',
  'phew what a long day',
  'long day',
  'mood: excellent',
  'Dentist done. Never again.',
  "It's complicated.",
  'was the plumber here',
  'tell me a joke',
  "I'm off to bed",
])('%s is not', (message) => {
  expect(kept(message)).toEqual([])
})
