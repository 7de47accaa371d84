/**
 * What a draft of an early exit costs in the shape of the bundled keeper, and how often it would have to be right to be worth it.
 *   npx tsx tests/bench/exit-costs.ts [THREADS=1]
 * The weights are random: honest for speed. Costs are parts of a call of the whole decoder with one token.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createModel } from '../../models/registry.ts'
import { measuredExit } from '../../server/engine/exit-drafter.ts'
import { openModel } from '../../server/engine/open-model.ts'
import { initialise } from '../../trainer/backends/initialise.ts'
import { writeBundleWithExit } from '../support/exit-bundle.ts'

const [threads = '1'] = process.argv.slice(2)
const { config } = JSON.parse(readFileSync('models/pretrained/keeper/manifest.json', 'utf8')) as { config: object }

/** The least share of right drafts from which the best length of drafts gives `speed` tokens for the time of one. */
function agreementFor(speed: number, cost: { draft: number; verify: number }): string {
  for (let percent = 0; percent <= 100; percent++)
    if (measuredExit({ after: 1, agreement: percent / 100 }, cost, 15).speed >= speed) return `${percent} %`
  return 'never'
}

console.log('| exit after layer | a draft | a verified token more | right for 1.1x | right for 1.3x |')
console.log('| ---: | ---: | ---: | ---: | ---: |')
for (const after of [1, 2, 3]) {
  const folder = mkdtempSync(join(tmpdir(), 'mneme-exit-costs-'))
  const model = createModel('delta', { ...config, exits: { layers: [after] } })
  await writeBundleWithExit(folder, model, 'keeper', initialise(model.params, 7), 0.5)
  const opened = { bundle: folder, threads: Number(threads), rows: 4, residentBytes: 0, device: 'cpu' } as const
  const { runner } = await openModel(opened)
  const { draft, verify } = runner.exit!
  const needed = [1.1, 1.3].map((speed) => agreementFor(speed, { draft, verify }))
  console.log(`| ${after} of 4 | ${draft.toFixed(2)} | ${verify.toFixed(2)} | ${needed.join(' | ')} |`)
  runner.close()
  rmSync(folder, { recursive: true })
}
