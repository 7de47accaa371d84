/**
 * Multi-query associative recall: pairs are told, then each key is asked once among random tokens
 * (Arora, Eyuboglu et al., "Zoology", 2023, arXiv 2312.04927; zoology/data/multiquery_ar.py and forgetting_mqar.py).
 */
import { type ConfigOf, count, real, requires } from '../../../models/config.ts'
import type { Random } from '../../random.ts'
import { Draft } from './draft.ts'
import { distinct, weighted } from './draw.ts'
import { defineTask, type Sequence } from './task.ts'

const fields = {
  vocabulary: count(8192, 'tokens; the lower half but 0 are keys, the upper half values', 8),
  length: count(256, 'tokens of a sequence', 4),
  pairs: count(64, 'keys told and asked'),
  power: real(0.01, 'exponent of the distance to the question: 1 spreads it evenly', 0.001, 1),
}
const forgettingFields = {
  ...fields,
  pairs: count(32, 'keys told and asked'),
  updates: count(16, 'keys that are told a new value; the last one counts', 0),
}

type Options = ConfigOf<typeof fields>

export const multiQuery = defineTask({
  name: 'mqar',
  about: 'key and value pairs are told, each key is asked once',
  fields,
  check: (o) => check('mqar', o, 0),
  vocabulary: (o) => o.vocabulary,
  chance: (o) => chance(o),
  generate: (random, o) => generate(random, o, 0),
  grid: [
    { length: 64, pairs: 16 },
    { length: 128, pairs: 32 },
    { length: 256, pairs: 64 },
    { length: 512, pairs: 128 },
  ],
})

export const forgettingMultiQuery = defineTask({
  name: 'forgetting-mqar',
  about: 'like mqar, and some keys are told a second value: the last one counts',
  fields: forgettingFields,
  check(o) {
    check('forgetting-mqar', o, o.updates)
    requires(o.updates <= o.pairs, `forgetting-mqar.updates: expected at most the ${o.pairs} pairs, got ${o.updates}`)
  },
  vocabulary: (o) => o.vocabulary,
  chance: (o) => chance(o),
  generate: (random, o) => generate(random, o, o.updates),
  grid: [
    { length: 128, pairs: 16, updates: 8 },
    { length: 256, pairs: 32, updates: 16 },
    { length: 256, pairs: 32, updates: 32 },
    { length: 512, pairs: 64, updates: 64 },
  ],
})

function check(name: string, o: Options, updates: number): void {
  requires(o.length % 2 === 0, `${name}.length: expected an even number, got ${o.length}`)
  requires(o.vocabulary % 2 === 0, `${name}.vocabulary: expected an even number, got ${o.vocabulary}`)
  requires(
    o.pairs < o.vocabulary / 2,
    `${name}.pairs: expected fewer than the ${o.vocabulary / 2 - 1} keys, got ${o.pairs}`,
  )
  const least = 4 * o.pairs + 2 * updates
  requires(o.length >= least, `${name}.length: expected at least ${least} for ${o.pairs} pairs, got ${o.length}`)
}

function chance(o: Options) {
  return { blind: 2 / o.vocabulary, told: 1 / o.pairs }
}

function generate(random: Random, o: Options, updates: number): Sequence {
  const half = o.vocabulary / 2
  const keys = distinct(random, 1, half, o.pairs)
  const values = distinct(random, half, o.vocabulary, o.pairs)
  const toldAt = keys.map((_, i) => 2 * i + 1)
  const draft = new Draft()
  for (const [i, key] of keys.entries()) draft.push(key, values[i]!)
  for (const index of distinct(random, 0, o.pairs, updates)) {
    // Any value but the one before
    const other = half + random.int(half - 1)
    values[index] = other < values[index]! ? other : other + 1
    draft.push(keys[index]!, values[index])
    toldAt[index] = draft.length - 1
  }
  const start = draft.length
  const space = (o.length - start) / 2
  const likely = Array.from({ length: space }, (_, i) => (i + 1) ** (o.power - 1))
  const gaps = weighted(random, likely, o.pairs)
  while (draft.length < o.length) draft.push(random.int(o.vocabulary))
  for (const [i, gap] of gaps.entries()) {
    const at = start + 2 * gap
    draft.replace(at, keys[i]!)
    draft.answerAt(at, values[i]!, at - toldAt[i]!)
  }
  return draft.done()
}
