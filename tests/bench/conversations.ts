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

const [bundle, lengths = '1024,8192'] = process.argv.slice(2)
if (bundle === undefined) throw new Error('usage: conversations.ts BUNDLE [LENGTHS]')
const text = process.env['TEXT'] ?? join(import.meta.dirname, '../../../shared/data/war-and-peace.txt')
const book = readFileSync(text, 'utf8').replaceAll(/\s+/g, ' ')
const folder = mkdtempSync(join(tmpdir(), 'mneme-conversations-'))

/** What is read of events of both protocols. */
interface Event {
  readonly type?: string
  readonly delta?: string
  readonly choices?: readonly { readonly delta?: { readonly content?: string } }[]
  readonly response?: { readonly id: string; readonly usage?: Usage }
  readonly usage?: Usage
}

interface Usage {
  readonly prompt_tokens?: number
  readonly input_tokens?: number
  readonly prompt_tokens_details?: { readonly cached_tokens: number }
  readonly input_tokens_details?: { readonly cached_tokens: number }
}

interface Message {
  readonly role: string
  readonly content: string
}

interface Measured {
  readonly id: string
  readonly prompt: number
  readonly cached: number
  readonly reply: string
  readonly firstMs: number
}

const flags = ['--port', '0', '--data', folder, '--log-level', 'warn', '--threads', '2', '--prefix-cache', '2147483648']
const start = (): Promise<ServerProcess> =>
  listening(
    spawn(process.execPath, ['clients/cli/bin.js', 'serve', bundle, ...flags], {
      stdio: ['ignore', 'pipe', 'inherit'],
    }),
  )

/** Streams a reply; the time is that of the first piece of text. */
async function ask(server: ServerProcess, path: string, body: object): Promise<Measured> {
  const since = performance.now()
  const response = await server.post(path, { model, temperature: 0, stream: true, ...body })
  if (!response.ok) throw new Error(await response.text())
  let [firstMs, reply, id, all] = [0, '', '', '']
  let usage: Usage = {}
  for await (const chunk of response.body!) all = read(all + Buffer.from(chunk as Uint8Array).toString())
  return {
    id,
    reply,
    firstMs,
    prompt: usage.prompt_tokens ?? usage.input_tokens ?? 0,
    cached: (usage.prompt_tokens_details ?? usage.input_tokens_details)?.cached_tokens ?? 0,
  }

  /** Reads whole events; returns what is left. */
  function read(seen: string): string {
    const events = seen.split('\n\n')
    for (const event of events.slice(0, -1)) {
      const data = /^data: (.*)$/m.exec(event)?.[1]
      if (data === undefined || data === '[DONE]') continue
      const json = JSON.parse(data) as Event
      const isText = json.type === 'response.output_text.delta'
      const delta = json.choices?.[0]?.delta?.content ?? (isText ? (json.delta ?? '') : '')
      if (delta !== '' && firstMs === 0) firstMs = performance.now() - since
      reply += delta
      id = json.response?.id ?? id
      usage = json.usage ?? json.response?.usage ?? usage
    }
    return events.at(-1) ?? ''
  }
}

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

  const turn = { input: messages[0]!.content, max_output_tokens: 8 }
  const first = await ask(server, '/v1/responses', turn)
  note('first turn, by id', first)
  const before = bytesOnDisk()
  const next = await ask(server, '/v1/responses', {
    input: question,
    previous_response_id: first.id,
    max_output_tokens: 8,
  })
  note('next turn, by id', next)
  const written = bytesOnDisk() - before

  const options = { max_tokens: 8, stream_options: { include_usage: true }, prompt_cache_retention: '24h' }
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
    const body = { input: question, previous_response_id: next.id, max_output_tokens: 8 }
    note(`after ${how}, by id`, await ask(server, '/v1/responses', body))
    note(`after ${how}, resent`, await ask(server, '/v1/chat/completions', { messages: resent, ...options }))
  }
  console.log(`${length}: ${written} bytes of the database written for the second turn`)
}
await stop(server, 'SIGTERM')
rmSync(folder, { recursive: true })
console.log('\n| length | turn | tokens of the prompt | computed | first token, ms |\n|---|---|---|---|---|')
for (const row of rows) console.log(`| ${row.join(' | ')} |`)
