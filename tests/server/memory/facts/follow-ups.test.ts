import { describe, expect, test } from 'vitest'
import { followUpOf, type Said } from '../../../../server/memory/facts/follow-ups.ts'
import { typedValues } from '../../../../server/memory/facts/typed-values.ts'

const said = (text: string): Said => ({ text, fact: null })
const follow = (next: string, ...told: string[]) =>
  followUpOf({ text: next, start: 0, end: next.length }, told.map(said))

describe('corrections that name no topic', () => {
  test.each([
    ['Rehearsal begins at 18:30', 'ugh they pushed it, 19:15 now', '19:15'],
    ['yoga is on thursdays', 'no wait fridays', 'fridays'],
    ['Lecture hall is A12', "Update: they've shifted us to D305.", 'D305'],
    ['on 20 mg of citalopram', 'doctor bumped it to 40', '40'],
    ['lent the tent to Marek', "correction, Marek gave it back and Zuzia's got it", 'Zuzia'],
    ['Table at the Anchor for 6 people', "two of them cancelled so it's four", 'four'],
    ['my hearing test is with Dr. Quill', "Dr. Quill has retired, I'm seeing Dr. Banner", 'Dr. Banner'],
    ["it's on the 7th of july", 'lol its the 17th of june', 'the 17th of june'],
    ['the office is Old Mill', 'the office is Bank of England now', 'Bank of England'],
    ['My surgery is Oakfield', 'my surgery is Hospital de la Paz now', 'Hospital de la Paz'],
  ])('%s / %s', (told, next, value) => {
    expect(follow(next, told)?.value).toBe(value)
  })
})

test('a sentence on the same topic with another time takes the place of the first, without a word of change', () => {
  expect(follow('The Oslo train goes at 06:48.', 'I bought bread', 'Train to Oslo leaves at 07:12')?.of.text).toBe(
    'Train to Oslo leaves at 07:12',
  )
})

test('what is changed in other words is not what it was', () => {
  expect(follow('moved them, they hang on a hook in the porch', 'keys are under the flowerpot')?.of.text).toBe(
    'keys are under the flowerpot',
  )
})

test.each([
  ['My dog is 3', "she's called Luna"],
  ['We have two kids', 'Leo plays football on Mondays'],
  ['I work at Acme since 2019', 'they pay on the last Friday'],
  ['Clara lives in Bristol', 'she works as a midwife'],
  ['garage code is 5512', 'my gym locker is 17'],
  ['Dentist on the 8th', 'optician on the 15th'],
  ["I'm allergic to nuts", "it's so hot now"],
])('%s / %s is no correction', (told, next) => {
  expect(follow(next, told)).toBeUndefined()
})

test('values by their kind', () => {
  const kinds = typedValues('Mail Ann at ann@x.org by Friday 4:30, room C117, for 40 euros and Priya').map(
    ({ kind, text }) => `${kind} ${text}`,
  )
  expect(kinds).toEqual([
    'email ann@x.org',
    'clock 4:30',
    'day Friday',
    'amount 40 euros',
    'code C117',
    'name Ann',
    'name Priya',
  ])
})
