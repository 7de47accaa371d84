/**
 * Kills processes with -9 at random moments and counts what was lost; exit code 1 if anything was.
 *   npx tsx tests/bench/kills.ts [N=200] [turns|pages|evictions|import ...]
 * Servers are those of the fake model, so that the kills meet many moments of many turns; `import` is of a small published
 * model (SOURCE=FOLDER, ../shared/fixtures/models/qwen3_5 unless given).
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import build from '../support/build.ts'
import { killImports, killServers, SERVERS } from '../support/kill-kinds.ts'
import { fixtures } from '../support/published.ts'

const [count = '200', ...asked] = process.argv.slice(2)
const kinds = asked.length > 0 ? asked : [...Object.keys(SERVERS), 'import']
build()
const folder = mkdtempSync(join(tmpdir(), 'mneme-kills-'))
const inFolder = (name: string): string => join(folder, name)
for (const kind of kinds) {
  if (kind === 'import') {
    const report = await killImports(
      process.env['SOURCE'] ?? join(fixtures, 'models/qwen3_5'),
      Number(count),
      inFolder('import'),
    )
    console.log(JSON.stringify({ kind, ...report }))
    if (report.broken + report.leftovers.length > 0) process.exitCode = 1
  } else if (kind in SERVERS) {
    const report = await killServers(
      kind as keyof typeof SERVERS,
      Number(count),
      inFolder(kind),
      inFolder(`${kind}-whole`),
    )
    console.log(JSON.stringify({ kind, ...report }))
    const { lost, half, different, disagreements } = report
    if (lost + half + different + disagreements.length > 0) process.exitCode = 1
  } else throw new Error(`expected turns, pages, evictions or import, got ${kind}`)
}
rmSync(folder, { recursive: true })
