/**
 * Kills a server with -9 while memories are told, consolidated, evicted and erased, and indexes of their vectors made again; prints what
 * was lost or came back, and exits with 1 if anything was or did. A line for each kill says what there is so far; Ctrl-C ends it, and
 * what was done until then is looked at and printed.
 *   npx tsx tests/bench/memory-kills.ts [N=200]
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import build from '../support/build.ts'
import { killWhileForgetting, whileItRuns } from '../support/memory-kills.ts'

build()
const folder = mkdtempSync(join(tmpdir(), 'mneme-forget-'))
const report = await killWhileForgetting(Number(process.argv[2] ?? 200), folder, whileItRuns())
console.log(JSON.stringify(report))
if (report.lost + report.back + report.unfound + report.disagreements.length > 0) process.exitCode = 1
rmSync(folder, { recursive: true })
