import { describe, expect, test } from 'vitest'
import { askedOfTheWorld } from '../../../server/critic/only-told.ts'

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
