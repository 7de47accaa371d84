/** Memorization of the MAD suite: a fixed dictionary that only the parameters can hold (see recall.ts). */
import { type ConfigOf, count, requires } from '../../../models/config.ts'
import { Random } from '../../random.ts'
import { Draft } from './draft.ts'
import { distinct } from './draw.ts'
import { defineTask } from './task.ts'

const fields = {
  vocabulary: count(256, 'tokens: keys, values, and the mark where a value belongs', 5),
  length: count(32, 'tokens of a sequence', 2),
  dictionary: count(12345, 'seed of the dictionary: another one is another language', 0, 2 ** 31),
}

type Options = ConfigOf<typeof fields>

const keysOf = (o: Options): number => Math.floor((o.vocabulary - 1) / 2)

export const memorization = defineTask({
  name: 'memorization',
  about: 'keys of a dictionary that never changes: each value is asked (MAD)',
  fields,
  check: (o) => requires(o.length % 2 === 0, `memorization.length: expected an even number, got ${o.length}`),
  vocabulary: (o) => o.vocabulary,
  chance(o) {
    const blind = 1 / (o.vocabulary - 1 - keysOf(o))
    return { blind, told: blind }
  },
  generate(random, o) {
    const words = dictionary(o)
    const draft = new Draft()
    while (draft.length < o.length) {
      const key = random.int(words.length)
      draft.push(key, o.vocabulary - 1)
      draft.answer([words[key]!])
    }
    return draft.done()
  },
  grid: [{ length: 32 }, { length: 128 }],
})

/** The value of every key. */
function dictionary(o: Options): number[] {
  return distinct(new Random(`dictionary ${o.dictionary}`), keysOf(o), o.vocabulary - 1, keysOf(o))
}
