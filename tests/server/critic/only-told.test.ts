import { describe, expect, test } from 'vitest'
import type { SentenceVerdict } from '../../../server/critic/verdict.ts'
import type { Memory } from '../../../server/store/memory-calls.ts'
import { askedOfTheWorld, asksNothingTold, onlyTold } from '../../../server/critic/only-told.ts'

describe('what nothing that its user told can answer', () => {
  test.each([
    'What is the capital of France?',
    'who wrote hamlet',
    'Hey, how far is the moon?',
    'Tell me a joke',
    'Please write a poem about rain.',
    'can you translate hello to french',
    'It is late. What day is today?',
    'Are you a robot?',
    'Who are you?',
    'what can you do?',
    'how are u',
    'how you doing today',
    "how's it going",
    'do you like jazz',
    'Can you help me with homework?',
    'summarise War and Peace',
    'is it going to rain tomorrow',
  ])('is asked or ordered: %s', (message) => expect(askedOfTheWorld(message)).not.toBeNull())

  test.each([
    'What is my locker code?',
    'where did I park',
    'When is our anniversary?',
    'Do you remember the code?',
    'Tell me my locker code.',
    'translate my motto to french',
    'The plumber comes on Thursday.',
    'it is raining here',
    'Thanks!',
    '',
  ])('is not: %s', (message) => expect(askedOfTheWorld(message)).toBeNull())
})

test.each([
  'hi again',
  'hey, me again',
  'Hello there!',
  'can you tell me a joke?',
  'how you doing today',
  'write me a poem',
])('nothing that was told is shown as near to %s', (message) => expect(asksNothingTold(message)).toBe(true))

test.each(['what is the alarm code?', 'show me my locker code', "how's my sister doing?", 'hi, what is my name?'])(
  'it may be to %s',
  (message) => expect(asksNothingTold(message)).toBe(false),
)

test('a reply that denies to know something else is no answer to what was told', async () => {
  const memory = { id: 'm', text: 'I retire in June', fact: null } as Memory
  const told = { told: [], written: [memory], ended: [] }
  const denial = { verdict: 'supported', facts: [] } as unknown as SentenceVerdict
  expect(await onlyTold('I retire in June', null, [denial], told, async () => null)).toMatchObject({
    text: 'Okay, I will remember that.',
  })
})
