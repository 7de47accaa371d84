/** Modular arithmetic with brackets (Deletang et al., "Neural networks and the Chomsky hierarchy", arXiv 2207.02098). */
import { count, flag, requires } from '../../../models/config.ts'
import type { Random } from '../../random.ts'
import { Draft } from './draft.ts'
import { defineTask } from './task.ts'

const fields = {
  length: count(40, 'tokens of an expression and the equals sign, at most', 4),
  shortest: count(0, 'tokens at least, drawn evenly up to `length`; 0: always `length`', 0),
  modulus: count(5, 'values are counted modulo this', 2, 100),
  times: flag(true, 'whether there are products'),
}

interface Expression {
  readonly tokens: readonly number[]
  /** Not negative. */
  readonly value: number
}

/** Every sum, difference and product stands in brackets, so the value needs a stack, not a precedence. */
export const brackets = defineTask({
  name: 'modular-brackets',
  about: 'digits with + - * in brackets: the value modulo 5, at lengths never trained on',
  fields,
  check(o) {
    const least = o.shortest === 0 ? o.length : o.shortest
    requires(least >= 4, `modular-brackets.shortest: expected 0 or at least 4 tokens, got ${o.shortest}`)
    requires(o.shortest <= o.length, `modular-brackets.shortest: expected at most ${o.length}, got ${o.shortest}`)
  },
  vocabulary: (o) => o.modulus + 6,
  chance: (o) => ({ blind: 1 / o.modulus, told: 1 / o.modulus }),
  generate(random, o) {
    const size = o.shortest === 0 ? o.length : random.between(o.shortest, o.length)
    const { tokens, value } = expression(random, o, size - 1)
    const draft = new Draft()
    draft.push(...tokens, o.modulus + 5)
    draft.answer([value])
    return draft.done()
  },
  grid: [40, 64, 128, 256].map((length) => ({ length })),
})

/** An expression of exactly so many tokens: a digit, its negative, either in brackets, or an operation in brackets. */
function expression(random: Random, o: { modulus: number; times: boolean }, size: number): Expression {
  const { modulus: m } = o
  const [plus, minus, times, open, close] = [0, 1, 2, 3, 4].map((i) => m + i) as [
    number,
    number,
    number,
    number,
    number,
  ]
  if (size === 1) {
    const digit = random.int(m)
    return { tokens: [digit], value: digit }
  }
  if (size === 2) {
    const digit = random.int(m)
    return { tokens: [minus, digit], value: (m - digit) % m }
  }
  if (size <= 4) {
    const { tokens, value } = expression(random, o, size - 2)
    return { tokens: [open, ...tokens, close], value }
  }
  const left = expression(random, o, random.between(1, size - 4))
  const right = expression(random, o, size - 3 - left.tokens.length)
  const operator = random.pick(o.times ? [plus, minus, times] : [plus, minus])
  const [a, b] = [left.value, right.value]
  const value = operator === times ? a * b : operator === plus ? a + b : a + m - b
  return { tokens: [open, ...left.tokens, operator, ...right.tokens, close], value: value % m }
}
