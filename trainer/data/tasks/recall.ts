/**
 * In-context recall of the MAD suite, plain and noisy: pairs with keys that come again, each time asked
 * (Poli et al., "Mechanistic design and scaling of hybrid architectures", 2024, arXiv 2403.17844; athms/mad-lab, multi_query).
 */
import { type ConfigOf, count, real, requires } from '../../../models/config.ts'
import type { Random } from '../../random.ts'
import { Draft } from './draft.ts'
import { integers } from './draw.ts'
import { defineTask, type Sequence } from './task.ts'

const fields = {
  vocabulary: count(16, 'tokens: keys, as many values, and noise', 4),
  length: count(128, 'tokens of a sequence', 4),
  noise: count(0, 'tokens that are noise only', 0),
  share: real(0, 'share of pairs that are noise', 0, 0.99),
}

type Options = ConfigOf<typeof fields>

const define = (name: string, about: string, changed: Partial<Options>) =>
  defineTask({
    name,
    about,
    fields: {
      ...fields,
      vocabulary: { ...fields.vocabulary, default: changed.vocabulary ?? fields.vocabulary.default },
      noise: { ...fields.noise, default: changed.noise ?? fields.noise.default },
      share: { ...fields.share, default: changed.share ?? fields.share.default },
    },
    check(o) {
      requires(o.length % 2 === 0, `${name}.length: expected an even number, got ${o.length}`)
      requires(
        o.vocabulary - o.noise >= 4,
        `${name}.noise: expected to leave 4 tokens for pairs, got ${o.noise} of ${o.vocabulary}`,
      )
      requires(o.share === 0 || o.noise > 0, `${name}.noise: expected tokens for a share of ${o.share}, got none`)
    },
    vocabulary: (o) => o.vocabulary,
    chance: (o) => ({ blind: 1 / valuesOf(o), told: 1 / valuesOf(o) }),
    generate,
    grid: [128, 256, 512, 1024].map((length) => ({ length })),
  })

export const recall = define('recall', 'pairs whose keys come again: the value is asked each time (MAD)', {})
export const noisyRecall = define('noisy-recall', 'like recall, with pairs of noise between (MAD)', {
  vocabulary: 32,
  noise: 16,
  share: 0.2,
})

const keysOf = (o: Options): number => Math.floor((o.vocabulary - o.noise) / 2)
const valuesOf = (o: Options): number => o.vocabulary - o.noise - keysOf(o)

function generate(random: Random, o: Options): Sequence {
  const firstNoise = o.vocabulary - o.noise
  const pairs = o.length / 2
  const told = new Map<number, { readonly value: number; readonly at: number }>()
  const draft = new Draft()
  const certain = random.int(pairs - 1)
  for (let pair = 0; pair < pairs; pair++) {
    const last = pair === pairs - 1
    if (!last && pair !== certain && random.chance(o.share)) {
      draft.push(...integers(random, firstNoise, o.vocabulary, 2))
      continue
    }
    // The last question is always one that can be answered
    const key = last ? random.pick([...told.keys()]) : random.int(keysOf(o))
    draft.push(key)
    const known = told.get(key)
    const value = known?.value ?? keysOf(o) + random.int(valuesOf(o))
    if (known !== undefined) draft.answer([value], draft.length - 1 - known.at)
    draft.push(value)
    if (known === undefined) told.set(key, { value, at: draft.length - 1 })
  }
  return draft.done()
}
