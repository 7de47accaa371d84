/**
 * How well rules find what a reply says otherwise than was told: precision, recall and F1 of "contradicted", the share that is
 * checked, and what each policy serves; beside two baselines that need no model. No server, no model.
 *   npx tsx tests/bench/critic.ts [--items 200] [--seed 1]
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { Random } from '../../trainer/random.ts'
import { criticItem, KINDS, type CriticItem } from '../support/critic-pairs.ts'
import { readCriticItems, withReadFacts } from '../support/critic-items.ts'
import { CHECKERS, policyTable, verdictTable } from '../support/critic-tally.ts'

const { values } = parseArgs({
  options: { items: { type: 'string', default: '200' }, seed: { type: 'string', default: '1' } },
})
const fixtures = join(import.meta.dirname, '../fixtures/critic')
const written = (file: string): CriticItem[] => readCriticItems(readFileSync(join(fixtures, file), 'utf8'))
const random = new Random(`critic ${values.seed}`)
const generated = KINDS.flatMap((kind) =>
  Array.from({ length: Number(values.items) }, () => criticItem(random, kind, 'held')),
)
const sets: readonly (readonly [string, readonly CriticItem[]])[] = [
  ['written before the rules', written('first.jsonl')],
  ['written after them, held out', written('held-out.jsonl')],
  ['generated, held-out sentences and values', generated],
]
for (const [name, items] of sets) {
  console.log(`\n## ${name}: ${items.length} items\n`)
  for (const checker of CHECKERS) console.log(`${verdictTable(checker, items)}\n`)
  console.log(
    `${verdictTable({ ...CHECKERS[0]!, name: 'rules, facts read by rules too' }, items.map(withReadFacts), ['all'])}\n`,
  )
  console.log(policyTable(items))
}
