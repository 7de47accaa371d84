/**
 * What the next turn of a conversation costs, by its length: continued by id, resent whole by a chat client, with the last
 * reply edited, after a restart, after kill -9. On a real server process with a bundle of any model.
 *   npx tsx tests/bench/conversations.ts BUNDLE [LENGTHS=1024,8192]
 */
import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { listening, type ServerProcess } from '../support/process.ts'
import { ask, type Measured } from './ask.ts'

const [bundle, lengths = '1024,8192'] = process.argv.slice(2)
if (bundle === undefined) throw new Error('usage: conversations.ts BUNDLE [LENGTHS]')
const text = process.env['TEXT'] ?? join(import.meta.dirname, '../../../shared/data/war-and-peace.txt')
const book = readFileSync(text, 'utf8').replaceAll(/\s+/g, ' ')
const folder = mkdtempSync(join(tmpdir(), 'mneme-conversations-'))

interface Message {
  readonly role: string
  readonly content: string
}

const flags = ['--port', '0', '--data', folder, '--log-level', 'warn', '--threads', '2', '--prefix-cache', '2147483648']
const start = (): Promise<ServerProcess> =>
  listening(
    spawn(process.execPath, ['clients/cli/bin.js', 'serve', bundle, ...flags], {
      stdio: ['ignore', 'pipe', 'inherit'],
    }),
  )

const stop = async (server: ServerProcess, signal: 'SIGTERM' | 'SIGKILL'): Promise<void> => {
  server.child.kill(signal)
  await server.exited
}

const bytesOnDisk = (): number =>
  ['mneme.db', 'mneme.db-wal'].reduce(
    (sum, file) => sum + (statSync(join(folder, file), { throwIfNoEntry: false })?.size ?? 0),
    0,
  )

let server = await start()
const model = ((await (await fetch(`${server.url}/v1/models`)).json()) as { data: { id: string }[] }).data[0]!.id
const rows: string[][] = []
for (const length of lengths.split(',').map(Number)) {
  // About four letters a token; the reply says how many there were.
  const question = 'And then?'
  const messages: Message[] = [{ role: 'user', content: book.slice(1000, 1000 + Math.floor(4.2 * length)) }]
  const note = (what: string, m: Measured): void =>
    void rows.push([String(length), what, String(m.prompt), String(m.prompt - m.cached), m.firstMs.toFixed(0)])

  const turn = { input: messages[0]!.content, model, max_output_tokens: 8 }
  const first = await ask(server, '/v1/responses', turn)
  note('first turn, by id', first)
  const before = bytesOnDisk()
  const next = await ask(server, '/v1/responses', {
    input: question,
    previous_response_id: first.id,
    model,
    max_output_tokens: 8,
  })
  note('next turn, by id', next)
  const written = bytesOnDisk() - before

  const options = { model, max_tokens: 8, stream_options: { include_usage: true }, prompt_cache_retention: '24h' }
  const cold = [{ role: 'system', content: `Conversation ${length}.` }, ...messages]
  const opened = await ask(server, '/v1/chat/completions', { messages: cold, ...options })
  note('first turn, chat', opened)
  const resent = [...cold, { role: 'assistant', content: opened.reply }, { role: 'user', content: question }]
  note('next turn, resent', await ask(server, '/v1/chat/completions', { messages: resent, ...options }))
  const edited = resent.with(2, { role: 'assistant', content: 'Something else.' })
  note('next turn, the last reply edited', await ask(server, '/v1/chat/completions', { messages: edited, ...options }))

  for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
    await new Promise((resolve) => setTimeout(resolve, 1500)) // states follow their turns
    await stop(server, signal)
    server = await start()
    const how = signal === 'SIGTERM' ? 'a restart' : 'kill -9'
    const body = { input: question, previous_response_id: next.id, model, max_output_tokens: 8 }
    note(`after ${how}, by id`, await ask(server, '/v1/responses', body))
    note(`after ${how}, resent`, await ask(server, '/v1/chat/completions', { messages: resent, ...options }))
  }
  console.log(`${length}: ${written} bytes of the database written for the second turn`)
}
await stop(server, 'SIGTERM')
rmSync(folder, { recursive: true })
console.log('\n| length | turn | tokens of the prompt | computed | first token, ms |\n|---|---|---|---|---|')
for (const row of rows) console.log(`| ${row.join(' | ')} |`)
