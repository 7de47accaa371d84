import { describe, expect, test } from 'vitest'
import { askedBy } from '../../../../server/memory/facts/asked-by.ts'
import { sentencesOf } from '../../../../server/memory/facts/sentences.ts'
import { toldBy } from '../../../../server/memory/facts/told-by.ts'
import { sameTopic } from '../../../../server/memory/facts/topic.ts'

describe('a question finds what was told in other words', () => {
  const cases: readonly (readonly [string, string])[] = [
    ['moved to Lisbon last month', 'do you remember where i live'],
    ['moved to Lisbon last month', 'which city am I in these days?'],
    ['my dog is called Rex', 'whats the name of my dog again'],
    ['my sister Joanna turns 30 on May 3rd', "when is Joanna's birthday?"],
    ['my sister Joanna turns 30 on May 3rd', 'how old is my sister?'],
    ['the wifi password at the cabin is h4rbour!', 'remind me of my wifi password'],
    ["I'm married to Paolo", "what's my husband's name?"],
    ['my cell is 555-0142', 'can you tell me my phone number'],
    ['I work as a baker', 'what do I do for a living?'],
  ]
  for (const [told, asked] of cases) {
    test(`"${asked}" is answered by "${told}"`, () => {
      const scores = askedBy(asked).flatMap((topic) => toldBy(told).facts.map((fact) => sameTopic(topic, fact)))
      expect(Math.max(...scores)).toBeGreaterThanOrEqual(0.5)
    })
  }
})

describe('a question does not find what is about something else', () => {
  const cases: readonly (readonly [string, string])[] = [
    ['my locker code is 4071', "what's my door code?"],
    ['my dog is called Rex', "what's my cat's name?"],
    ["my sister's name is Hanna", "what is my brother's name?"],
    ["my sister's name is Hanna", "what's my name?"],
    ['I live in Oslo', "what's my phone number?"],
  ]
  for (const [told, asked] of cases) {
    test(`"${asked}" is not answered by "${told}"`, () => {
      const topics = askedBy(asked)
      expect(topics.length).toBeGreaterThan(0)
      for (const topic of topics) {
        for (const fact of toldBy(told).facts) expect(sameTopic(topic, fact)).toBeLessThan(0.5)
      }
    })
  }
})

test('the world and small talk ask nothing about the user', () => {
  for (const message of [
    "what's the capital of Peru?",
    'how do I boil an egg?',
    'how are you?',
    'hi',
    'tell me a joke',
    'How should I write my cover letter?',
    'How do I write my name in Japanese?',
    'how would you say my essay is?',
    'who are you?',
  ]) {
    expect(askedBy(message), message).toEqual([])
  }
})

test.each(['How is my last name spelled?', 'how do I write my last name', 'how do you spell my surname?'])(
  '%s asks for the surname',
  (message) => {
    const surname = { subject: 'user', attribute: 'surname' }
    expect(askedBy(message).some((topic) => sameTopic(topic, surname) > 0.9)).toBe(true)
  },
)

describe('sentences', () => {
  const cases: readonly (readonly [string, readonly string[]])[] = [
    ['My dentist is Dr. Nakagawa. Call her.', ['My dentist is Dr. Nakagawa.', 'Call her.']],
    ['It is at 5 p.m. on Tuesday. Bye.', ['It is at 5 p.m. on Tuesday.', 'Bye.']],
    ['Write to a.b@x.org today. My size is 42.5 now.', ['Write to a.b@x.org today.', 'My size is 42.5 now.']],
    ['Dra. Cano is gone, now I go with Dr. Ferrer', ['Dra. Cano is gone, now I go with Dr. Ferrer']],
    ['one\ntwo', ['one', 'two']],
    ['- name: Farida\n2. city: Cairo', ['name: Farida', 'city: Cairo']],
    ['   ', []],
  ]
  for (const [text, expected] of cases) {
    test(`${JSON.stringify(text)} has ${expected.length}`, () => {
      expect(sentencesOf(text).map((s) => s.text)).toEqual(expected)
    })
  }
})
