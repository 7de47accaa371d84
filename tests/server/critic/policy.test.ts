import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { checkReply } from '../../../server/critic/check-reply.ts'
import { decide, POLICIES, type Policy } from '../../../server/critic/policy.ts'
import type { KnownFact } from '../../../server/critic/verdict.ts'
import { Random } from '../../../trainer/random.ts'
import { criticItem, KINDS } from '../../support/critic-pairs.ts'
import { servedBy } from '../../support/critic-tally.ts'

const locker: KnownFact = {
  id: 'f1',
  subject: 'user',
  attribute: 'locker code',
  value: '4071',
  text: 'My locker code is 4071.',
  holds: true,
}
const asking = 'What is my locker code?'
const served = (policy: Policy, reply: string, facts: readonly KnownFact[] = [locker], question = asking) =>
  decide(policy, checkReply({ question, reply, facts }), facts, question)

describe('a policy', () => {
  test('annotate keeps every reply', () => {
    for (const reply of ['Your locker code is 4017.', 'Hello!', ''])
      expect(served('annotate', reply)).toEqual({ action: 'keep' })
  })

  test('no policy touches a reply that says what was told', () => {
    for (const policy of POLICIES) expect(served(policy, 'Your locker code is 4071.')).toEqual({ action: 'keep' })
  })

  test('abstain says what was told in place of a contradicted reply, and that nothing was in place of an invented one', () => {
    expect(served('abstain', 'Your locker code is 4017.')).toEqual({
      action: 'replace',
      text: 'I am not sure: what you told me was "My locker code is 4071."',
      facts: ['f1'],
    })
    expect(served('abstain', 'Your locker code is 4017.', [])).toEqual({
      action: 'replace',
      text: 'You have not told me your locker code.',
      facts: [],
    })
  })

  test("quote answers with the user's sentence where the reply is wrong, and where it has no answer", () => {
    const answer = { action: 'replace', text: 'You told me: "My locker code is 4071."', facts: ['f1'] }
    expect(served('quote', 'Your locker code is 4017.')).toEqual(answer)
    expect(served('quote', 'What a nice question!')).toEqual(answer)
    expect(served('quote', 'You have not told me your locker code.')).toEqual(answer)
    const sister = checkReply({ question: "What is my sister's name?", reply: 'Her name is Ida.', facts: [locker] })
    expect(decide('quote', sister, [locker], "What is my sister's name?")).toMatchObject({
      text: "You have not told me your sister's name.",
    })
  })

  test('quote never gives a value that does not hold any more', () => {
    const facts = [{ ...locker, holds: false }]
    expect(served('quote', 'Your locker code is 4071.', facts)).toMatchObject({
      text: 'You have not told me your locker code.',
    })
  })

  test('retry and rollback are decided for contradicted and invented replies, and for no other', () => {
    for (const policy of ['retry', 'rollback'] as const) {
      expect(served(policy, 'Your locker code is 4017.')).toMatchObject({ action: policy })
      expect(served(policy, 'Your locker code is 4017.', [])).toMatchObject({ action: policy })
      expect(served(policy, 'What a nice question!')).toEqual({ action: 'keep' })
    }
  })

  test('small talk is served as it is', () => {
    for (const policy of POLICIES)
      expect(served(policy, 'Good morning!', [locker], 'Hello')).toEqual({ action: 'keep' })
  })
})

test('what takes the place of a reply is whole sentences of the user and fixed words', () => {
  fc.assert(
    fc.property(fc.integer(), fc.constantFrom(...KINDS), fc.constantFrom(...POLICIES), (seed, kind, policy) => {
      const item = criticItem(new Random(seed), kind, 'first')
      const decision = decide(policy, checkReply(item), item.facts, item.question)
      if (decision.action !== 'replace') return
      let rest = decision.text
      for (const { text, holds } of item.facts) if (holds) rest = rest.replaceAll(`"${text}"`, '')
      expect(rest.trim()).toMatch(
        /^(?:You told me:|I am not sure: what you told me was|You have not told me (?:your [\p{L}' ]+|that)\.)$/u,
      )
    }),
    { numRuns: 300 },
  )
})

test('quote serves nothing wrong of generated items', () => {
  fc.assert(
    fc.property(fc.integer(), fc.constantFrom(...KINDS.filter((kind) => kind !== 'small talk')), (seed, kind) => {
      const item = criticItem(new Random(seed), kind, 'held')
      expect([item, servedBy('quote', item)]).toEqual([item, 'right'])
    }),
  )
})
