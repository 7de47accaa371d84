import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { checkReply } from '../../../server/critic/check-reply.ts'
import type { KnownFact } from '../../../server/critic/verdict.ts'
import { Random } from '../../../trainer/random.ts'
import { readCriticItems } from '../../support/critic-items.ts'
import { criticItem, KINDS } from '../../support/critic-pairs.ts'
import { CHECKERS, rowOf, ruleVerdict } from '../../support/critic-tally.ts'

const fact = (attribute: string, value: string, text: string, more: Partial<KnownFact> = {}): KnownFact => {
  return { id: 'f1', subject: 'user', attribute, value, text, holds: true, ...more }
}
const locker = fact('locker code', '4071', 'My locker code is 4071.')
const asking = 'What is my locker code?'
const only = (reply: string, facts: readonly KnownFact[], question = asking) =>
  checkReply({ question, reply, facts })[0]!

describe('the verdict of a sentence', () => {
  test('says what was told and what the reply says, with the fact it rests on and its place', () => {
    const reply = 'Sure. Your locker code is 4017.'
    expect(checkReply({ question: asking, reply, facts: [locker] })[1]).toEqual({
      text: 'Your locker code is 4017.',
      start: 6,
      end: 31,
      verdict: 'contradicted',
      facts: ['f1'],
      reason: 'the user told: "My locker code is 4071."; the reply says "4017"',
      invented: false,
      topic: { subject: 'user', attribute: 'locker code' },
    })
  })

  test('a value for what was never told is unchecked and marked as invented', () => {
    expect(only('Your locker code is 4071.', [])).toMatchObject({
      verdict: 'unchecked',
      invented: true,
      reason: 'never told',
    })
  })

  test('"you have not told me" is contradicted where it was told, supported where it was not', () => {
    expect(only('You have not told me your locker code.', [locker]).verdict).toBe('contradicted')
    expect(only('You have not told me your locker code.', []).verdict).toBe('supported')
  })

  test('a value that was corrected since is contradicted, with the fact that holds now', () => {
    const now = fact('locker code', '5520', 'It is 5520 now.', { id: 'f2' })
    expect(only('Your locker code is 4071.', [{ ...locker, holds: false }, now])).toMatchObject({
      verdict: 'contradicted',
      facts: ['f2'],
      reason: 'the user told: "It is 5520 now."; "4071" was told before and does not hold any more',
    })
  })

  test('a date that can be read in two ways is unchecked, one that can be read in one way is not', () => {
    const birthday = fact('birthday', 'May 3rd', 'My birthday is May 3rd.')
    const verdict = (date: string) => only(`Your birthday is ${date}.`, [birthday], 'When is my birthday?').verdict
    expect(verdict('05/03')).toBe('unchecked')
    expect(verdict('3 May')).toBe('supported')
    expect(verdict('the 3rd of March')).toBe('contradicted')
  })

  test('a note in the words of the user supports the sentence that says it again', () => {
    const notes = [{ id: 'n1', text: 'I watered the tomatoes behind the shed on Sunday.' }]
    const reply = 'You watered the tomatoes behind the shed on Sunday.'
    expect(checkReply({ question: 'What did I do?', reply, facts: [], notes })[0]).toMatchObject({
      verdict: 'supported',
      facts: ['n1'],
    })
    const denied = 'You never watered the tomatoes behind the shed on Sunday.'
    expect(checkReply({ question: 'What did I do?', reply: denied, facts: [], notes })[0]!.verdict).toBe('contradicted')
  })

  test('small talk, the world and what the reply says of itself are unchecked', () => {
    const replies = [
      'Good morning!',
      'The capital of France is Paris.',
      'My name is Keeper.',
      'How can I help?',
      'Yes.',
    ]
    for (const reply of replies) expect([reply, only(reply, [locker]).verdict]).toEqual([reply, 'unchecked'])
  })
})

const fixture = (name: string) =>
  readCriticItems(readFileSync(join(import.meta.dirname, '../../fixtures/critic', name), 'utf8'))

describe('items that were written by hand', () => {
  test('at least 200, the same one never twice', () => {
    const items = [...fixture('first.jsonl'), ...fixture('held-out.jsonl')]
    expect(items.length).toBeGreaterThanOrEqual(200)
    expect(new Set(items.map(({ facts, reply, question }) => JSON.stringify([facts, reply, question]))).size).toBe(
      items.length,
    )
  })

  test('"contradicted" has an F1 of .95 and more on the items before the rules, .90 on the held-out ones', () => {
    expect(rowOf(CHECKERS[0]!, fixture('first.jsonl')).f1).toBeGreaterThanOrEqual(0.95)
    expect(rowOf(CHECKERS[0]!, fixture('held-out.jsonl')).f1).toBeGreaterThanOrEqual(0.9)
  })

  test('no reply that says otherwise than was told is supported', () => {
    const items = [...fixture('first.jsonl'), ...fixture('held-out.jsonl')]
    const passed = items.filter((item) => item.expected !== 'supported' && ruleVerdict(item) === 'supported')
    expect(passed.map(({ reply }) => reply)).toEqual([])
  })
})

test('the verdicts of generated items are right, by kinds, in sentences that no rule was tuned on', () => {
  fc.assert(
    fc.property(fc.integer(), fc.constantFrom(...KINDS), (seed, kind) => {
      const item = criticItem(new Random(seed), kind, 'held')
      expect([item, ruleVerdict(item)]).toEqual([item, item.expected])
    }),
    { numRuns: 300 },
  )
})

/** Values as people have them: letters, digits, some marks; no space at the ends. */
const value = fc.stringMatching(/^[A-Za-z0-9]{2}[A-Za-z0-9-]{0,8}[A-Za-z0-9]{2}$/)

describe('whatever the value', () => {
  test('a reply that repeats the told sentence to the user is never contradicted', () => {
    fc.assert(
      fc.property(value, (code) => {
        const facts = [fact('locker code', code, `My locker code is ${code}.`)]
        expect(only(`Your locker code is ${code}.`, facts).verdict).toBe('supported')
      }),
    )
  })

  test('another value is never supported', () => {
    fc.assert(
      fc.property(value, value, (code, other) => {
        const bare = (text: string): string => text.toLowerCase().replaceAll('-', '')
        fc.pre(!bare(code).includes(bare(other)) && !bare(other).includes(bare(code)))
        const facts = [fact('locker code', code, `My locker code is ${code}.`)]
        expect(only(`Your locker code is ${other}.`, facts).verdict).not.toBe('supported')
      }),
    )
  })

  test('any text has verdicts in its order and within it, and no fact that is not known', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 300 }), fc.string({ maxLength: 80 }), (reply, question) => {
        let end = 0
        for (const verdict of checkReply({ question, reply, facts: [locker] })) {
          expect(verdict.start).toBeGreaterThanOrEqual(end)
          expect(reply.slice(verdict.start, verdict.end)).toBe(verdict.text)
          end = verdict.end
          expect(verdict.facts.every((id) => id === 'f1')).toBe(true)
        }
      }),
    )
  })
})

// Runs into the time limit of the test where the work grows with the square of the text or worse.
test.each([
  ['one word', 'a'.repeat(200_000)],
  ['digits', '4'.repeat(200_000)],
  ['digits with spaces', '4 '.repeat(100_000)],
  ['"your" over and over', 'your '.repeat(40_000)],
  ['leads over and over', 'sure, you told me that '.repeat(8_000)],
  ['dots', 'a.'.repeat(100_000)],
  ['at signs', 'a@'.repeat(100_000)],
  ['apostrophes', "you're ".repeat(30_000)],
])('200,000 units of %s are read in bounded time', (_, reply) => {
  const told = fact('locker code', reply.slice(0, 1000), reply.slice(0, 10_000))
  expect(checkReply({ question: asking, reply, facts: [locker, told] }).length).toBeLessThanOrEqual(200)
  expect(checkReply({ question: reply, reply: 'Your locker code is 4071.', facts: [told] }).length).toBe(1)
})
