import { describe, expect, test } from 'vitest'
import { Drafter } from '../../../server/engine/drafter.ts'

const options = { maxTokens: 15, prediction: null, history: [] }

/** Numbers that look random and are the same each time. */
function noise(count: number, kinds: number): number[] {
  let state = 7
  return Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return (state >>> 8) % kinds
  })
}

/** Lets a drafter see `text`, as if every draft were verified; returns the calls that were made, and what was drafted. */
function write(drafter: Drafter, text: readonly number[]): { calls: number; drafted: number } {
  let [calls, at, drafted] = [0, 0, 0]
  while (at < text.length) {
    const draft = drafter.propose(1, text.length - at)
    const right = draft.findIndex((token, i) => token !== text[at + i])
    const accepted = right < 0 ? draft.length : right
    if (draft.length > 0) drafter.settle(accepted)
    for (const token of text.slice(at, at + accepted + 1)) drafter.push(token)
    at += accepted + 1
    calls++
    drafted += draft.length
  }
  return { calls, drafted }
}

describe('the length of drafts', () => {
  test('grows to the most that is allowed where the reply repeats the prompt', () => {
    const text = noise(400, 1000)
    for (const maxTokens of [3, 15]) {
      const { calls } = write(new Drafter({ ...options, maxTokens }, text), text)
      expect(calls).toBeLessThan(400 / maxTokens + 20)
      expect(calls).toBeGreaterThanOrEqual(400 / (maxTokens + 1))
    }
  })

  test('falls to none where predictions fail, though matches abound', () => {
    // Every pair of tokens occurs again and again, followed by any token.
    const { drafted } = write(new Drafter(options, noise(2000, 12)), noise(6000, 12).slice(2000))
    expect(drafted).toBeLessThan(40)
  })

  test('comes back where predictions, made without being verified, turn out right', () => {
    const drafter = new Drafter(options, noise(2000, 12))
    write(drafter, noise(6000, 12).slice(2000))
    const poem = noise(300, 900)
    write(drafter, poem)
    expect(write(drafter, poem).calls).toBeLessThan(80)
  })

  test('is none where no token of it could be part of the reply', () => {
    const text = noise(100, 1000)
    const drafter = new Drafter(options, text)
    for (const token of text.slice(0, 20)) drafter.push(token)
    expect(drafter.propose(1, 5)).toEqual(text.slice(20, 25))
    expect(drafter.propose(1, 0)).toEqual([])
    expect(drafter.propose(1, -1)).toEqual([])
  })
})

test('a prediction is drafted from its first token on, and its tokens are counted', () => {
  const prediction = noise(50, 1000)
  const drafter = new Drafter({ ...options, prediction }, [1, 2, 3])
  const reply = prediction.with(20, 5000)
  write(drafter, reply)
  const { predictionAccepted, predictionRejected, accepted } = drafter.counts
  expect(accepted).toBe(predictionAccepted)
  expect(predictionAccepted).toBeGreaterThan(30)
  expect(predictionRejected).toBeGreaterThan(0)
  expect(predictionRejected).toBeLessThan(16)
})

test('the history of a conversation is drafted from, too', () => {
  const history = noise(50, 1000)
  const drafter = new Drafter({ ...options, history }, [5000, 5001])
  for (const token of history.slice(0, 6)) drafter.push(token)
  expect(drafter.propose(1, 2)).toEqual(history.slice(6, 8))
})
