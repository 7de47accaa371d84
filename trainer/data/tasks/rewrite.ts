/**
 * Associative retrieval: pairs are told one after another, keys may come again with another value, and the last value
 * of a key is asked (Rodkin et al., "Associative Recurrent Memory Transformer", 2024, arXiv 2407.04841;
 * run_finetuning_associative_retrieval.py with --rewrite_setting).
 */
import { count, flag, requires } from '../../../models/config.ts'
import { Draft } from './draft.ts'
import { distinct, integers } from './draw.ts'
import { defineTask } from './task.ts'

const fields = {
  symbols: count(16, 'digits that keys and values are made of', 2, 4096),
  keySize: count(1, 'digits of a key', 1, 4),
  valueSize: count(1, 'digits of a value', 1, 16),
  pairs: count(50, 'pairs told'),
  fewest: count(0, 'pairs told at least, drawn evenly up to `pairs`; 0: always `pairs`', 0),
  repeat: flag(true, 'whether a key may come again; the last value counts'),
  questions: count(1, 'different keys asked, as far as there are so many'),
}

export const rewrite = defineTask({
  name: 'rewrite',
  about: 'keys are told again and again with new values, the last value is asked',
  fields,
  check(o) {
    requires(o.fewest <= o.pairs, `rewrite.fewest: expected at most the ${o.pairs} pairs, got ${o.fewest}`)
    requires(
      o.repeat || o.pairs <= o.symbols ** o.keySize,
      `rewrite.pairs: expected at most the ${o.symbols ** o.keySize} keys that do not repeat, got ${o.pairs}`,
    )
  },
  vocabulary: (o) => o.symbols + 3,
  chance: (o) => ({ blind: o.symbols ** -o.valueSize, told: 1 / Math.min(o.pairs, o.symbols ** o.keySize) }),
  generate(random, o) {
    const [separator, end, ask] = [o.symbols, o.symbols + 1, o.symbols + 2]
    const pairs = o.fewest === 0 ? o.pairs : random.between(o.fewest, o.pairs)
    const all = o.symbols ** o.keySize
    const keys = o.repeat ? integers(random, 0, all, pairs) : distinct(random, 0, all, pairs)
    const draft = new Draft()
    const known = new Map<number, { readonly value: number[]; readonly at: number }>()
    for (const key of keys) {
      const value = integers(random, 0, o.symbols, o.valueSize)
      draft.push(...digits(key, o), separator, ...value, end)
      known.set(key, { value, at: draft.length - 2 })
    }
    for (const [key, { value, at }] of random.shuffle([...known]).slice(0, o.questions)) {
      draft.push(...digits(key, o), ask)
      draft.answer(value, draft.length - 1 - at)
      draft.push(value.at(-1)!, end)
    }
    return draft.done()
  },
  grid: [{ pairs: 10 }, { pairs: 50 }, { pairs: 100 }, { pairs: 200 }, { pairs: 500 }],
})

const digits = (key: number, o: { symbols: number; keySize: number }): number[] =>
  Array.from({ length: o.keySize }, (_, i) => Math.floor(key / o.symbols ** i) % o.symbols)
