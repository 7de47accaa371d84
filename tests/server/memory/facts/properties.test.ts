import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { askedBy } from '../../../../server/memory/facts/asked-by.ts'
import type { Fact } from '../../../../server/memory/facts/fact.ts'
import { MAX_SENTENCE, MAX_SENTENCES, sentencesOf } from '../../../../server/memory/facts/sentences.ts'
import { latest } from '../../../../server/memory/facts/supersede.ts'
import { toldBy } from '../../../../server/memory/facts/told-by.ts'

const piece = fc.constantFrom(
  'my ',
  'I ',
  "I'm ",
  'name ',
  'is ',
  'called ',
  'not ',
  'forget ',
  'actually ',
  'live in ',
  'allergic to ',
  'dog',
  "'s ",
  ', ',
  '. ',
  '! ',
  '? ',
  '\n',
  ' and ',
  '"',
  '`',
  '```',
  '>',
  '4071',
  'Anna',
  'ß',
  'İ',
  '😀',
  'é',
  '田',
  '\uD800',
  '@',
  ':',
  '- ',
  'no wait, ',
)
const message = fc.oneof(
  fc.array(piece, { maxLength: 60 }).map((pieces) => pieces.join('')),
  fc.string({ unit: 'binary', maxLength: 300 }),
)

/** A few words to begin with, then one piece again and again: what makes a careless pattern go back and forth. */
const HOSTILE = [
  'a',
  ' ',
  '\n',
  '"',
  "'s ",
  'my ',
  'I am ',
  'is ',
  ', ',
  '. ',
  '- ',
  '> ',
  '`',
  'not ',
  'my dog is ',
  'it is not ',
  'and I ',
  'I have a ',
  'A.',
  'Dr. ',
  '"a b ',
  'really ',
  'please ',
  'forget ',
  'what is my ',
  '\t',
  '😀',
  '\uFFFC',
  'the name of ',
  'X ',
  '1',
  '1,',
  'no, ',
  ' at 5 p.m. ',
]

describe('of every message', () => {
  test('sentences and facts stand in the text where they say', () => {
    fc.assert(
      fc.property(message, (text) => {
        let end = 0
        for (const sentence of sentencesOf(text)) {
          expect(text.slice(sentence.start, sentence.end)).toBe(sentence.text)
          expect(sentence.start).toBeGreaterThanOrEqual(end)
          expect(sentence.text.length).toBeLessThanOrEqual(MAX_SENTENCE)
          expect(sentence.text.trim()).not.toBe('')
          end = sentence.end
        }
        const told = toldBy(text)
        for (const fact of told.facts) {
          expect(text.slice(fact.sentence.start, fact.sentence.end)).toBe(fact.sentence.text)
          expect(fact.attribute).not.toBe('')
          expect(fact.subject).not.toBe('')
          // What is taken back was told before: "allergic to nuts. actually eggs".
          expect(fact.kind === 'withdrawn' ? text : fact.sentence.text).toContain(fact.value)
          if (fact.kind !== 'withdrawn') expect(fact.value.trim()).not.toBe('')
        }
        for (const topic of askedBy(text)) expect(topic.attribute).not.toBe('')
      }),
      { numRuns: 600 },
    )
  })

  test('the facts that hold are the same when they are taken again, and hold one value each where only one can', () => {
    fc.assert(
      fc.property(fc.array(message, { maxLength: 4 }), (messages) => {
        const known: Fact[] = []
        for (const text of messages) known.push(...toldBy(text, known).facts)
        const holding = latest(known)
        expect(latest(holding)).toEqual(holding)
        expect(holding.every((fact) => fact.kind !== 'withdrawn')).toBe(true)
        expect(
          latest([...known, ...holding])
            .map((f) => f.value)
            .toSorted(),
        ).toEqual(holding.map((f) => f.value).toSorted())
      }),
      { numRuns: 300 },
    )
  })
})

describe('hostile messages of 100,000 units', () => {
  for (const part of HOSTILE) {
    test(`${JSON.stringify(part)} again and again is read to the bound`, () => {
      const text = `I live ${part.repeat(Math.ceil(100_000 / part.length))}`
      expect(sentencesOf(text).length).toBeLessThanOrEqual(MAX_SENTENCES)
      expect(toldBy(text).facts.length).toBeLessThanOrEqual(64)
      expect(askedBy(text).length).toBeLessThanOrEqual(4)
    }, 20_000)
  }
})
