/** Values put to a noun, as people note them; and what goes with a thing that is gone. */
import { describe, expect, test } from 'vitest'
import { askedBy } from '../../../../server/memory/facts/asked-by.ts'
import { latest } from '../../../../server/memory/facts/supersede.ts'
import { toldBy } from '../../../../server/memory/facts/told-by.ts'

/** What a message tells: subject, attribute, value, and whether it corrects. */
const told = (text: string): string[] =>
  toldBy(text).facts.map(({ subject, attribute, value, kind }) => `${subject} | ${attribute} | ${value} | ${kind}`)

describe('toldBy', () => {
  test.each([
    ['Door code = 4071', 'user | door code | 4071 | told'],
    ['The gym I have is Iron Temple.', 'user | gym | Iron Temple | told'],
    ['For my wifi password I have blue7heron', 'user | wifi password | blue7heron | told'],
    ['I have 41 as my shoe size', 'user | shoe size | 41 | told'],
    ['They gave me K-77 as customer number.', 'user | customer number | K-77 | told'],
    ['Use 4071 for the door code.', 'user | door code | 4071 | told'],
    ['I set the alarm code to 9318, thanks', 'user | alarm code | 9318 | told'],
    ['You can call my sister at 621-1979.', 'sister | phone number | 621-1979 | told'],
    ['Today I learned that my son moved to Nantes.', 'son | home | Nantes | told'],
    ['My uncle likes to eat oatmeal.', 'uncle | likes | oatmeal | told'],
    ['I changed my seat from 12A to 14C.', 'user | seat | 14C | corrected'],
    ['My locker number changed from 35 to 40', 'user | locker number | 40 | corrected'],
  ])('%s', (text, fact) => expect(told(text)).toEqual([fact]))

  test.each(['Use Python for the script.', 'Use a table for the answer, please', 'x = 3', 'They gave me hope.'])(
    'takes no fact about the user from a request or from talk: %s',
    (text) => expect(told(text).filter((fact) => /script|answer|hope/.test(fact))).toEqual([]),
  )
})

describe('latest', () => {
  test('what belongs to a thing goes with it, and nothing else', () => {
    const facts = [
      "My car's license plate is KX 4410.",
      'My phone number is 621-1979.',
      'My card number is 12.',
      'I sold my car.',
      'I sold my phone.',
    ].flatMap((text) => toldBy(text).facts)
    expect(latest(facts).map(({ value }) => value)).toEqual(['621-1979', '12'])
  })
})

describe('askedBy', () => {
  test.each([
    ['I forgot my deadline, what is it?', 'user deadline'],
    ['Order number?', 'user order number'],
    ['my wifi password', 'user wifi password'],
    ["What can't my sister eat?", 'sister allergy'],
    ['How can I call my dentist?', 'dentist phone number'],
    ['What did I say my name was?', 'user name'],
    ['What food does my grandfather love?', 'grandfather liked food'],
    ['whats the serial number', 'user serial number'],
    ["Which teacher's allergy do I have?", 'teacher allergy'],
    ['What is my mom allergic to?', 'mom allergy'],
  ])('%s', (question, topic) =>
    expect(askedBy(question).map(({ subject, attribute }) => `${subject} ${attribute}`)).toEqual([topic]),
  )

  test.each(['How can I call a taxi?', 'What can I eat in Rome?', 'What is the atomic number of carbon?', 'Really?'])(
    'asks for nothing about the user: %s',
    (question) => expect(askedBy(question)).toEqual([]),
  )
})
