/**
 * What the turns of a conversation cost the clients that people use: the official openai client, the AI SDK, and one like
 * Open WebUI, which asks for titles, tags and follow-ups in between. On a real server process, which is restarted and killed.
 *   bash tests/bench/peers/setup.sh packages
 *   npx tsx tests/bench/clients.ts [MODEL=smollm2] [TOKENS=1024]
 * MODEL is a name of bench-models.ts.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describeMachine } from '../../clients/bench/machine.ts'
import { mnemeContender } from '../../clients/bench/mneme-server.ts'
import { randomText, wordsPerToken } from '../../clients/bench/prompts.ts'
import { benchModel } from '../../server/bench-model.ts'
import { conversationModels } from './bench-models.ts'
import { chatClients, type ChatClient, type ChatMessage, type ClientTurn } from './chat-clients.ts'

const [name = 'smollm2', length = '1024'] = process.argv.slice(2)
const chosen = conversationModels[name]
if (!chosen) throw new Error(`expected one of ${Object.keys(conversationModels).join(', ')}, got ${name}`)
const folder = mkdtempSync(join(tmpdir(), 'mneme-clients-'))
const { bundle } = await chosen.files()
const model = await benchModel(bundle, folder)
const args = ['--threads', '2']
const common = { data: join(folder, 'data'), tokens: 2 * Number(length), concurrency: 1, args }
const { server } = mnemeContender({ ...common, bin: 'clients/cli/bin.js', model })
if (!server) throw new Error('expected a server to start, got none')
let url = await server.start('turns')
const words = await wordsPerToken({ url }, model.name)

const rows: string[][] = []

/** What is done to the server before a turn. States follow their turns, so it gets a moment first. */
const SITUATIONS = [
  ['first turn', null],
  ['next turn', null],
  ['next turn', null],
  ['after a restart', 'SIGTERM'],
  ['after kill -9', 'SIGKILL'],
] as const

async function converse(client: ChatClient, seed: number): Promise<void> {
  const messages: ChatMessage[] = [{ role: 'user', content: randomText(Math.round(words * Number(length)), seed) }]
  let last: ClientTurn | null = null
  for (const [situation, signal] of SITUATIONS) {
    if (signal !== null) await restart(signal)
    const turn = await client.send(url, model.name, messages)
    const fresh = turn.prompt - (last ? last.prompt + last.output - 1 : 0)
    const computed = turn.prompt - turn.cached
    rows.push([client.name, situation, String(turn.prompt), String(computed), String(fresh), turn.ttft.toFixed(0)])
    messages.push({ role: 'assistant', content: turn.text })
    messages.push({ role: 'user', content: `And what came next? This is question ${messages.length}.` })
    last = turn
  }
}

async function restart(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
  await sleep(1500)
  await server?.stop(signal)
  url = (await server?.start('turns')) ?? url
}

try {
  for (const [i, client] of chatClients().entries()) await converse(client, 100 + i)
} finally {
  await server.stop('SIGTERM')
  rmSync(folder, { recursive: true })
}
console.log(`${name}: ${chosen.about}\n${describeMachine()}\n`)
console.log('| client | turn | tokens of the prompt | computed | new | first token, ms |')
console.log('| --- | --- | ---: | ---: | ---: | ---: |')
for (const row of rows) console.log(`| ${row.join(' | ')} |`)
