/** Fuzzy in-context recall of the MAD suite: keys and values are motifs of several tokens (see recall.ts). */
import { type ConfigOf, count, flag, requires } from '../../../models/config.ts'
import type { Random } from '../../random.ts'
import { Draft } from './draft.ts'
import { distinct } from './draw.ts'
import { defineTask } from './task.ts'

const fields = {
  vocabulary: count(16, 'tokens: keys, values, and one for padding', 6),
  length: count(128, 'tokens of a sequence', 16),
  keySize: count(3, 'tokens of a key, at most', 1, 8),
  valueSize: count(3, 'tokens of a value, at most', 1, 8),
  longest: flag(false, 'whether every key has `keySize` tokens, as in the test'),
}

type Options = ConfigOf<typeof fields>
type Motif = readonly number[]

const keysOf = (o: Options): number => Math.floor((o.vocabulary - 1) / 2)

export const fuzzyRecall = defineTask({
  name: 'fuzzy-recall',
  about: 'like recall, with keys and values of one to three tokens (MAD)',
  fields,
  check(o) {
    const least = Math.max(o.keySize, o.valueSize)
    requires(keysOf(o) >= least, `fuzzy-recall.vocabulary: expected at least ${2 * least + 1}, got ${o.vocabulary}`)
    const room = 5 * (o.keySize + o.valueSize)
    requires(o.length >= room, `fuzzy-recall.length: expected at least ${room}, got ${o.length}`)
  },
  vocabulary: (o) => o.vocabulary,
  chance(o) {
    const values = o.vocabulary - 1 - keysOf(o)
    const blind = mean(Array.from({ length: o.valueSize }, (_, i) => 1 / arrangements(values, i + 1)))
    return { blind, told: blind }
  },
  generate(random, o) {
    const draft = new Draft()
    const keys = drawKeys(random, o)
    const values = new Map<string, Motif>()
    for (const key of keys)
      if (!values.has(key.join()))
        values.set(key.join(), distinct(random, keysOf(o), o.vocabulary - 1, random.between(1, o.valueSize)))
    const valueOf = (key: Motif): Motif => values.get(key.join())!
    // The last token of the last value is predicted and never read
    const tokens = keys.reduce((sum, key) => sum + key.length + valueOf(key).length, 0) - 1
    draft.push(...Array.from({ length: o.length - tokens }, () => o.vocabulary - 1))
    const toldAt = new Map<string, number>()
    for (const key of keys) {
      draft.push(...key)
      const at = toldAt.get(key.join())
      if (at === undefined) draft.push(...valueOf(key))
      else {
        draft.answer(valueOf(key), draft.length - 1 - at)
        if (draft.length < o.length) draft.push(valueOf(key).at(-1)!)
      }
      toldAt.set(key.join(), draft.length - 1)
    }
    return draft.done()
  },
  grid: [128, 256, 512].map((length) => ({ length, longest: true })),
})

/** Keys in order, as many as fit whatever their values; the last one is told before, in the first half. */
function drawKeys(random: Random, o: Options): Motif[] {
  const probe = drawKey(random, o)
  const end = o.length - probe.length - o.valueSize
  const probeFrom = random.int(Math.floor(end / 2))
  const keys: Motif[] = []
  let [used, told] = [0, false]
  for (;;) {
    const key = !told && used >= probeFrom ? probe : drawKey(random, o)
    if (used + key.length + o.valueSize > end) return [...keys, probe]
    told ||= key === probe
    keys.push(key)
    used += key.length + o.valueSize
  }
}

function drawKey(random: Random, o: Options): Motif {
  return distinct(random, 0, keysOf(o), o.longest ? o.keySize : random.between(1, o.keySize))
}

/** Ordered choices of `count` of `n`. */
const arrangements = (n: number, count: number): number =>
  Array.from({ length: count }, (_, i) => n - i).reduce((a, b) => a * b, 1)

const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length
