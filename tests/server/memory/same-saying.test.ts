import { expect, test } from 'vitest'
import { likeness, medoidOf, type Saying } from '../../../server/memory/same-saying.ts'

const embedder = 'e'
const saying = (text: string, vector: readonly number[] | null = [1, 0], seq = 1): Saying => ({
  seq,
  text,
  fact: null,
  made: vector && { embedder, vector: Float32Array.from(vector) },
})

test.each([
  ['I like tea.', 'I really like tea!'],
  ['My sister lives in Bern', 'my sister Joanna lives in Bern'],
  ["I don't eat meat", "Well, I don't eat meat."],
])('%s and %s say the same', (a, b) => {
  expect(likeness(saying(a), saying(b))).toBeCloseTo(1, 6)
})

test.each([
  ['My locker code is 4071', 'My locker code is 4072'],
  ['My locker code is 4071', 'My locker code is'],
  ['I eat meat', "I don't eat meat"],
  ['I never eat meat', 'I eat meat'],
  ['I like tea', 'I like coffee'],
  ['I met Ann in Bern', 'I met Bob in Bern'],
])('%s and %s do not, however similar their vectors are', (a, b) => {
  expect(likeness(saying(a), saying(b))).toBe(0)
})

test('vectors that are far apart keep sentences apart; without vectors the same words are needed', () => {
  const [long, short] = ['I like tea with milk', 'I like tea']
  expect(likeness(saying(long, [1, 0]), saying(short, [0.7, 0.714]))).toBe(0)
  expect(likeness(saying(long, [1, 0]), saying(short, [0.9, 0.436]))).toBeCloseTo(0.9, 2)
  expect(likeness(saying(long, null), saying(short))).toBe(0)
  expect(likeness(saying('I like tea', null), saying('I really like tea'))).toBe(1)
})

test('facts say the same where topic and value are the same', () => {
  const fact = (value: string) => ({ subject: 'user', attribute: 'town', value })
  const one = { ...saying('I live in Bern'), fact: fact('Bern') }
  expect(likeness(one, { ...saying('I live in Bern'), fact: fact('bern') })).toBeGreaterThan(0)
  expect(likeness(one, { ...saying('I live in Bern'), fact: fact('Basel') })).toBe(0)
  expect(likeness(one, saying('I live in Bern'))).toBe(0)
})

test('the sentence that is most like the others stands for them, of equal ones the fuller, then the first', () => {
  const middle = saying('I like tea', [1, 0], 2)
  const [left, right] = [saying('I really like tea', [0.9, 0.436], 1), saying('I also like tea', [0.9, -0.436], 3)]
  expect(medoidOf([left, middle, right])).toBe(middle)
  const fuller = saying('I like tea with milk', [1, 0], 5)
  expect(medoidOf([middle, fuller])).toBe(fuller)
  expect(medoidOf([saying('I like tea', [1, 0], 9), middle])).toBe(middle)
})
