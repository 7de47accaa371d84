import { expect, test } from 'vitest'
import { takenBack } from '../../../server/critic/taken-back.ts'
import type { TurnMemories } from '../../../server/memory/told.ts'
import type { Memory } from '../../../server/store/memory-calls.ts'

const memoryOf = (text: string): Memory => {
  const times = { created: 1, updated: 1, expires: null, ended: null }
  return { id: text, namespace: 'default', user: null, text, metadata: {}, ...times, source: null, fact: null }
}
const turn = (ended: readonly string[], written: readonly string[] = []): TurnMemories => {
  return { told: [], written: written.map(memoryOf), ended: ended.map(memoryOf) }
}
function said(message: string, told: TurnMemories | null, orderOnly = false): unknown {
  const decision = takenBack(message, told, orderOnly)
  return decision?.action === 'replace' ? decision.text : decision
}

test('what was taken back is said in the words in which it was told', () => {
  expect(said('please forget my locker code', turn(['my locker code is 4071']))).toBe(
    'Okay, this does not hold any more: "my locker code is 4071"',
  )
  expect(said('the dog died', turn(['my dog is called Rex']))).toContain('"my dog is called Rex"')
})

test.each([
  'forget my locker code',
  'Can you delete my phone number please?',
  "ok, forget about what i said about my boss's car",
])('nothing is taken back where nothing was told: %s', (message) =>
  expect(said(message, turn([]))).toBe('You have not told me that, so I have nothing to take back.'),
)

test.each(['forget everything', 'erase all you know about me', 'delete what I told you'])(
  'nobody is told that all was forgotten: %s',
  (message) => expect(said(message, turn([]))).toContain('one thing at a time'),
)

test.each(["don't forget my birthday", 'I always forget my keys', 'forget it', 'how do I remove my tonsils?'])(
  'no order to forget: %s',
  (message) => expect(said(message, turn([]))).toBeNull(),
)

test('a turn that tells something, or that memory did not see, is answered otherwise', () => {
  expect(
    said('sold the Zafira, driving a Berlingo now', turn(['I drive a Zafira'], ['driving a Berlingo now'])),
  ).toBeNull()
  expect(said('forget my code', null)).toBeNull()
  expect(said('forget my code', { ...turn([]), isAway: true })).toBeNull()
})

test('a model that says other things too is put right only where it was ordered to forget', () => {
  expect(said('my dog died', turn(['my dog is called Rex']), true)).toBeNull()
  expect(said('forget my dog', turn(['my dog is called Rex']), true)).toContain('Rex')
})
