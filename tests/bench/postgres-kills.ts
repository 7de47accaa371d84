/**
 * The same as memory-kills.ts with memories in PostgreSQL: kills a server with -9 while turns and deletions are moved there.
 *   PYTHONPATH=FOLDER_WITH_PGSERVER npx tsx tests/bench/postgres-kills.ts [N=200]
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import build from '../support/build.ts'
import { killWhileForgetting, whileItRuns } from '../support/memory-kills.ts'
import { findPostgres, startPostgres } from '../support/postgres.ts'

const bin = findPostgres()
if (bin === null)
  throw new Error('pgserver: expected in a folder of PYTHONPATH, got none; pip install --target FOLDER pgserver')
build()
const postgres = await startPostgres(bin)
const folder = mkdtempSync(join(tmpdir(), 'mneme-forget-'))
const url = await postgres.database()
const secrets = async (): Promise<number[]> => {
  const rows = await postgres.query(
    url,
    `SELECT substring(encode(text, 'escape') from 'secret([0-9]+)x') AS n FROM mneme_memory`,
  )
  return rows.flatMap(({ n }) => (n === null ? [] : [Number(n)]))
}
const options = { ...whileItRuns(), memoryStore: { url, secrets } }
const report = await killWhileForgetting(Number(process.argv[2] ?? 200), folder, options)
const left = await postgres.query(
  url,
  'SELECT count(*)::int AS n FROM mneme_word WHERE seq NOT IN (SELECT seq FROM mneme_memory)',
)
console.log(JSON.stringify({ ...report, wordsWithoutMemory: left[0]!['n'] }))
if (report.lost + report.back + report.unfound + report.disagreements.length > 0) process.exitCode = 1
await postgres.stop()
rmSync(folder, { recursive: true })
