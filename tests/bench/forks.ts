/**
 * Bytes on disk of 100 forks of one long conversation, on a real server process.
 *   npx tsx tests/bench/forks.ts BUNDLE [TOKENS=32768] [FORKS=100]
 */
import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { listening } from '../support/process.ts'
import { ask } from './ask.ts'

const [bundle, tokens = '32768', forks = '100'] = process.argv.slice(2)
if (bundle === undefined) throw new Error('usage: forks.ts BUNDLE [TOKENS] [FORKS]')
const text = process.env['TEXT'] ?? join(import.meta.dirname, '../../../shared/data/war-and-peace.txt')
const book = readFileSync(text, 'utf8').replaceAll(/\s+/g, ' ')
const folder = mkdtempSync(join(tmpdir(), 'mneme-forks-'))
const flags = ['--port', '0', '--data', folder, '--log-level', 'warn', '--prefix-cache', '0', '--max-body', '4194304']
const child = spawn(process.execPath, ['clients/cli/bin.js', 'serve', bundle, ...flags], {
  stdio: ['ignore', 'pipe', 'inherit'],
})
const server = await listening(child)
const { data } = (await (await fetch(`${server.url}/v1/models`)).json()) as { data: { id: string }[] }
const model = data[0]!.id
const settled = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 3000)) // states follow their turns
const bytes = (): number =>
  ['mneme.db', 'mneme.db-wal'].reduce((sum, file) => sum + statSync(join(folder, file)).size, 0)

const empty = bytes()
const first = await ask(server, '/v1/responses', {
  model,
  input: book.slice(1000, 1000 + Math.floor(4.2 * Number(tokens))),
  max_output_tokens: 4,
})
await settled()
const one = bytes() - empty
let computed = 0
for (let fork = 0; fork < Number(forks); fork++) {
  const made = await ask(server, '/v1/responses', {
    model,
    previous_response_id: first.id,
    input: `Fork ${fork}`,
    max_output_tokens: 4,
  })
  computed += made.prompt - made.cached
}
await settled()
const all = bytes() - empty
server.child.kill('SIGTERM')
await server.exited
rmSync(folder, { recursive: true })
console.log(
  `${first.prompt} tokens: ${one} bytes on disk; ${forks} forks more: ${all - one} bytes, ${Math.round((all - one) / Number(forks))} each`,
)
console.log(`tokens computed by the forks: ${computed}`)
