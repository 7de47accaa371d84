/** Needles at a distance: facts are told, a haystack of random tokens follows, then the facts are asked. */
import { count, requires } from '../../../models/config.ts'
import { Draft } from './draft.ts'
import { distinct, integers } from './draw.ts'
import { defineTask } from './task.ts'

const fields = {
  vocabulary: count(100, 'tokens: haystack, keys, values, and the marks of key, value and question', 8),
  keys: count(16, 'tokens that name a fact'),
  values: count(16, 'tokens that values are made of', 2),
  valueSize: count(1, 'tokens of a value: all must be right', 1, 16),
  facts: count(5, 'facts told'),
  questions: count(1, 'facts asked'),
  distance: count(128, 'tokens of haystack between the facts and the first question', 0),
  nearest: count(0, 'tokens of haystack at least, drawn evenly in the logarithm; 0: always `distance`', 0),
}

export const retrieval = defineTask({
  name: 'retrieval',
  about: 'facts are told, a haystack follows, then they are asked: recall by distance',
  fields,
  check(o) {
    const room = o.vocabulary - 3 - o.keys - o.values
    requires(room >= 1, `retrieval.vocabulary: expected more than ${o.keys + o.values + 3}, got ${o.vocabulary}`)
    requires(o.facts <= o.keys, `retrieval.facts: expected at most the ${o.keys} keys, got ${o.facts}`)
    requires(o.questions <= o.facts, `retrieval.questions: expected at most the ${o.facts} facts, got ${o.questions}`)
    requires(o.nearest <= o.distance, `retrieval.nearest: expected at most ${o.distance}, got ${o.nearest}`)
  },
  vocabulary: (o) => o.vocabulary,
  chance: (o) => ({ blind: o.values ** -o.valueSize, told: 1 / o.facts }),
  generate(random, o) {
    const [key, value, ask] = [o.vocabulary - 3, o.vocabulary - 2, o.vocabulary - 1]
    const firstValue = o.vocabulary - 3 - o.values
    const firstKey = firstValue - o.keys
    const facts = distinct(random, firstKey, firstValue, o.facts).map((name) => ({
      name,
      value: integers(random, firstValue, key, o.valueSize),
    }))
    const draft = new Draft()
    const told = facts.map((fact) => {
      draft.push(key, fact.name, value, ...fact.value)
      return { ...fact, at: draft.length - 1 }
    })
    const least = o.nearest === 0 ? o.distance : o.nearest
    const distance = least === 0 ? 0 : Math.floor(least * ((o.distance + 1) / least) ** random.uniform())
    draft.push(...integers(random, 0, firstKey, distance))
    for (const fact of random.shuffle(told).slice(0, o.questions)) {
      draft.push(ask, fact.name)
      draft.answer(fact.value, draft.length - 1 - fact.at)
    }
    return draft.done()
  },
  grid: [128, 256, 512, 1024, 2048, 4096, 8192].map((distance) => ({ distance })),
})
