/** Chained assignment: x0 = c, x1 = x0 + a, ... and the last variable of one of the chains is asked. */
import { count, flag, requires } from '../../../models/config.ts'
import { Draft } from './draft.ts'
import { distinct } from './draw.ts'
import { defineTask } from './task.ts'

const fields = {
  modulus: count(7, 'values are counted modulo this', 2, 1000),
  names: count(26, 'names of variables'),
  depth: count(5, 'assignments that use the variable before'),
  shallowest: count(0, 'depth at least, drawn evenly up to `depth`; 0: always `depth`', 0),
  chains: count(2, 'chains, told in turn; one of them is asked'),
  shuffled: flag(false, 'whether the assignments come in random order'),
}

interface Statement {
  readonly tokens: readonly number[]
  /** Whether it ends the chain that is asked. */
  readonly asked: boolean
}

export const chain = defineTask({
  name: 'chain',
  about: 'variables are assigned from one another, the last one is asked: depth 1 to 10',
  fields,
  check(o) {
    const names = o.chains * (o.depth + 1)
    requires(o.names >= names, `chain.names: expected at least ${names} for ${o.chains} chains, got ${o.names}`)
    requires(o.shallowest <= o.depth, `chain.shallowest: expected at most ${o.depth}, got ${o.shallowest}`)
  },
  vocabulary: (o) => o.modulus + o.names + 4,
  chance: (o) => ({ blind: 1 / o.modulus, told: 1 / o.modulus }),
  generate(random, o) {
    const [equals, plus, minus, ask] = [0, 1, 2, 3].map((i) => o.modulus + o.names + i) as [
      number,
      number,
      number,
      number,
    ]
    const depth = o.shallowest === 0 ? o.depth : random.between(o.shallowest, o.depth)
    const names = distinct(random, o.modulus, o.modulus + o.names, o.chains * (depth + 1))
    const values = Array.from({ length: o.chains }, () => random.int(o.modulus))
    const asked = random.int(o.chains)
    const statements: Statement[] = []
    for (let step = 0; step <= depth; step++) {
      for (let c = 0; c < o.chains; c++) {
        const name = names[c * (depth + 1) + step]!
        if (step === 0) {
          statements.push({ tokens: [name, equals, values[c]!], asked: depth === 0 && c === asked })
          continue
        }
        const [by, sign] = [random.int(o.modulus), random.chance(0.5) ? 1 : -1]
        values[c] = (values[c]! + sign * by + o.modulus) % o.modulus
        const before = names[c * (depth + 1) + step - 1]!
        const tokens = [name, equals, before, sign === 1 ? plus : minus, by]
        statements.push({ tokens, asked: step === depth && c === asked })
      }
    }
    const draft = new Draft()
    let toldAt = 0
    for (const statement of o.shuffled ? random.shuffle(statements) : statements) {
      draft.push(...statement.tokens)
      if (statement.asked) toldAt = draft.length - 1
    }
    draft.push(ask, names[asked * (depth + 1) + depth]!)
    draft.answer([values[asked]!], draft.length - 1 - toldAt)
    return draft.done()
  },
  grid: Array.from({ length: 10 }, (_, i) => ({ depth: i + 1 })),
})
