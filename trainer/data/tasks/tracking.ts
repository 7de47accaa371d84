/** State tracking: parity, modular arithmetic and the word problem of a group. */
import { choice, count, flag, requires } from '../../../models/config.ts'
import type { Random } from '../../random.ts'
import { Draft } from './draft.ts'
import { integers } from './draw.ts'
import { groups } from './groups.ts'
import { defineTask } from './task.ts'

const lengths = {
  length: count(40, 'tokens of a sequence, at most', 3),
  shortest: count(0, 'tokens at least, drawn evenly up to `length`; 0: always `length`', 0),
  everywhere: flag(false, 'whether the loss counts what holds after every token, not only at the end'),
}
const grid = [40, 64, 128, 256].map((length) => ({ length }))

function check(name: string, o: { length: number; shortest: number }): void {
  requires(o.shortest <= o.length, `${name}.shortest: expected at most ${o.length}, got ${o.shortest}`)
}

function drawLength(random: Random, o: { length: number; shortest: number }): number {
  return o.shortest === 0 ? o.length : random.between(o.shortest, o.length)
}

/** Zeros and ones: whether the ones so far are odd (as in Grazzi et al., arXiv 2411.12537, table 3). */
export const parity = defineTask({
  name: 'parity',
  about: 'zeros and ones: whether the ones are odd, at lengths never trained on',
  fields: lengths,
  check: (o) => check('parity', o),
  vocabulary: () => 2,
  chance: () => ({ blind: 1 / 2, told: 1 / 2 }),
  generate(random, o) {
    const draft = new Draft()
    let odd = 0
    for (const bit of integers(random, 0, 2, drawLength(random, o))) {
      draft.push(bit)
      odd ^= bit
      if (o.everywhere) draft.expect(odd)
    }
    draft.answer([odd])
    return draft.done()
  },
  grid,
})

/** Digits joined by +, - and *, with the usual precedence (Deletang et al., "Neural networks and the Chomsky hierarchy"). */
export const modular = defineTask({
  name: 'modular',
  about: 'digits with + - * and no brackets: the value modulo 5, at lengths never trained on',
  fields: { ...lengths, modulus: count(5, 'values are counted modulo this', 2, 100) },
  check: (o) => check('modular', o),
  vocabulary: (o) => o.modulus + 4,
  chance: (o) => ({ blind: 1 / o.modulus, told: 1 / o.modulus }),
  generate(random, o) {
    const [plus, minus, times, equals] = [0, 1, 2, 3].map((i) => o.modulus + i) as [number, number, number, number]
    const draft = new Draft()
    let [sum, term] = [0, random.int(o.modulus)]
    const value = (): number => (((sum + term) % o.modulus) + o.modulus) % o.modulus
    draft.push(term)
    // An operator and a digit at a time, and the equals sign at the end
    const steps = Math.floor((drawLength(random, o) - 2) / 2)
    for (let i = 0; i < steps; i++) {
      if (o.everywhere) draft.expect(value())
      const [operator, digit] = [random.pick([plus, minus, times]), random.int(o.modulus)]
      if (operator === times) term = (term * digit) % o.modulus
      else [sum, term] = [value(), operator === plus ? digit : -digit]
      draft.push(operator, digit)
    }
    draft.push(equals)
    draft.answer([value()])
    return draft.done()
  },
  grid,
})

/** Elements of a group: their running product (Merrill et al., arXiv 2404.08819; jopetty/word-problem). */
export const wordProblem = defineTask({
  name: 'word-problem',
  about: 'elements of a group, S3 by default: their product, at lengths never trained on',
  fields: { ...lengths, group: choice('S3', [...groups.keys()], 'which group') },
  check: (o) => check('word-problem', o),
  vocabulary: (o) => groups.get(o.group)!.length,
  chance(o) {
    const blind = 1 / groups.get(o.group)!.length
    return { blind, told: blind }
  },
  generate(random, o) {
    const product = groups.get(o.group)!
    const draft = new Draft()
    let all = 0
    for (const element of integers(random, 0, product.length, drawLength(random, o))) {
      draft.push(element)
      all = product[all]![element]!
      if (o.everywhere) draft.expect(all)
    }
    draft.answer([all])
    return draft.done()
  },
  grid,
})
