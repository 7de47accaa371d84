import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { RadixTree, type Entry } from '../../../server/prefix-cache/radix-tree.ts'

const tokens = fc.array(fc.integer({ min: 0, max: 2 }), { maxLength: 10 })
const change = fc.record({ tokens, remove: fc.boolean() })

test('a radix tree finds what a list of all sequences finds, whatever was added and removed', () => {
  fc.assert(
    fc.property(fc.array(change, { maxLength: 60 }), fc.array(tokens), fc.nat(10), (changes, asked, most) => {
      const tree = new RadixTree<string>()
      const model = new Map<string, { key: readonly number[]; entry: Entry<string> }>()
      for (const { tokens: key, remove } of changes) {
        const name = key.join()
        const known = model.get(name)
        if (known && remove) {
          tree.remove(known.entry)
          model.delete(name)
        } else if (!known) model.set(name, { key, entry: tree.add(key, name) })
      }
      for (const prompt of [...asked, ...changes.map(({ tokens: key }) => key)]) {
        expect(tree.get(prompt)?.value ?? null).toBe(model.has(prompt.join()) ? prompt.join() : null)
        const fits = [...model.values()].filter(
          ({ key }) => key.length <= Math.min(most, prompt.length) && key.every((id, at) => id === prompt[at]),
        )
        const longest = Math.max(-1, ...fits.map(({ key }) => key.length))
        expect(tree.longest(prompt, most)?.length ?? -1).toBe(longest)
      }
      for (const { entry } of model.values()) tree.remove(entry)
      expect(tree.empty).toBe(true)
    }),
    { numRuns: 300 },
  )
})
