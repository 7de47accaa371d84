/**
 * Whether a deleted fact is answered, found or read: facts are told in wordings of the generator, some of them in two conversations,
 * deleted as by `DELETE /v1/memories/{id}`, and asked for at once and after other turns.
 *   npx tsx tests/bench/deleted-answers.ts [--tries 1000] [--seed 1]
 */
import { parseArgs } from 'node:util'
import { bundledMemory } from '../support/bundled-memory.ts'
import { triesOfDeleted } from '../support/deleted-answers.ts'

const { values } = parseArgs({
  options: { tries: { type: 'string', default: '1000' }, seed: { type: 'string', default: '1' } },
})
const bundled = await bundledMemory()
const found = await triesOfDeleted(Number(values.tries), Number(values.seed), bundled)
bundled.close()
console.log(
  '| questions | answered before the deletion | answered after it | found or read after it |\n|---|---|---|---|',
)
console.log(`| ${found.tries} | ${found.answeredBefore} | ${found.answered} | ${found.read} |`)
