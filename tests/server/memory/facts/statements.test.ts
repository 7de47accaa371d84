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
  'kindly make this paragraph shorter',
])('%s is not', (message) => {
  expect(kept(message)).toEqual([])
})
