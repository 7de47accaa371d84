/**
 * Bytes on disk of 100 forks of one long conversation, on a real server process.
 *   npx tsx tests/bench/forks.ts [TOKENS=32768] [FORKS=100] [BUNDLE]
 * Without a bundle the model is a Qwen3.5 of 176 thousand random weights (../shared/fixtures), imported with a longer
 * context: three layers of fixed state and one of keys and values, so that reading the history takes seconds.
 */
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { importByteModel } from '../support/byte-model.ts'
import { readRow } from '../support/edit-database.ts'
import { listening, type ServerProcess } from '../support/process.ts'
import { ask, type Measured } from './ask.ts'

const [tokens, forks] = [32_768, 100].map((value, i) => Number(process.argv[2 + i] ?? value)) as [number, number]
const folder = mkdtempSync(join(tmpdir(), 'mneme-forks-'))
const bundle = process.argv[4] ?? (await importByteModel('qwen3_5', folder, { max_position_embeddings: 2 * tokens }))

const data = join(folder, 'data')
const flags = ['--port', '0', '--data', data, '--log-level', 'warn', '--prefix-cache', '0', '--max-body', '4194304']
const server = await listening(
  spawn(process.execPath, ['clients/cli/bin.js', 'serve', bundle, ...flags], { stdio: ['ignore', 'pipe', 'inherit'] }),
)
const { data: models } = (await (await fetch(`${server.url}/v1/models`)).json()) as { data: { id: string }[] }
const model = models[0]!.id

const turn = (input: string, previous: string | null): Promise<Measured> =>
  ask(server, '/v1/responses', { model, input, previous_response_id: previous, max_output_tokens: 4 })

/** Bytes of all states, once those that follow their turns are there. */
async function stateBytes({ url }: ServerProcess): Promise<number> {
  await new Promise((resolve) => setTimeout(resolve, 2000))
  const metrics = await (await fetch(`${url}/metrics`)).text()
  return Number(/^mneme_stored_state_bytes (\d+)$/m.exec(metrics)?.[1])
}

/** A text of about so many tokens: what one word takes is measured. */
async function textOf(count: number): Promise<string> {
  const word = 'and so the river runs past the mill '
  const { prompt } = await ask(server, '/v1/responses', {
    model,
    input: word.repeat(10),
    max_output_tokens: 1,
    store: false,
  })
  return word.repeat(Math.floor((10 * count) / prompt))
}

const first = await turn(await textOf(tokens), null)
const one = await stateBytes(server)
const began = performance.now()
let computed = 0
for (let fork = 0; fork < forks; fork++) {
  const made = await turn(`Fork ${fork}`, first.id)
  computed += made.prompt - made.cached
}
const seconds = (performance.now() - began) / 1000
const all = await stateBytes(server)
server.child.kill('SIGTERM')
await server.exited
const counts = readRow(
  data,
  `SELECT count(*) AS states, sum(length(fixed)) AS fixed, sum(length(tail)) AS tails,
     (SELECT count(*) FROM page) AS pages, (SELECT sum(length(bytes)) FROM page) AS pageBytes FROM state`,
)
const file = statSync(join(data, 'mneme.db')).size
rmSync(folder, { recursive: true })

const row = (...cells: (string | number)[]): void => console.log(`| ${cells.join(' | ')} |`)
row('what', 'states', 'fixed parts', 'full pages', 'last pages, not full', 'bytes of all')
row('---', '---:', '---:', '---:', '---:', '---:')
row(`${first.prompt} tokens`, 1, '', '', '', one)
row(
  `and ${forks} forks`,
  Number(counts['states']),
  Number(counts['fixed']),
  `${Number(counts['pages'])}: ${Number(counts['pageBytes'])}`,
  Number(counts['tails']),
  all,
)
console.log(
  `${Math.round((all - one) / forks)} bytes a fork, of which ${Number(counts['fixed']) / Number(counts['states'])} are its fixed part; ` +
    `the database file: ${file}`,
)
console.log(`${computed} tokens computed by all forks, ${((seconds / forks) * 1000).toFixed(0)} ms a fork`)
