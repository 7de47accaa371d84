/**
 * What the next turn of a conversation costs, by its length, here and with llama.cpp's server on the same weights and with
 * the same requests: continued by id, resent whole, resent without the last reply's reasoning, after a restart, after
 * kill -9, after the model was unloaded.
 *   bash tests/bench/peers/setup.sh
 *   npx tsx tests/bench/conversations.ts [MODEL...] [--rounds 3] [--lengths 1024,8192]
 * MODEL is a name of bench-models.ts (default: all). What was measured is written to docs/results/next-turn, of which
 * tests/bench/pictures.ts draws the picture.
 */
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { llamaContender, llamaVersion } from '../../clients/bench/llama-server.ts'
import { describeMachine } from '../../clients/bench/machine.ts'
import { mnemeContender } from '../../clients/bench/mneme-server.ts'
import { measureNextTurns, mostTokens } from '../../clients/bench/next-turn.ts'
import { nextTurnTable } from '../../clients/bench/report.ts'
import { benchModel } from '../../server/bench-model.ts'
import { conversationModels, type ConversationModel } from './bench-models.ts'
import { llamaServer } from './peers/llama-server.ts'

const THREADS = ['--threads', '2']
/** Bytes of memory for kept prompts: the conversations of 32k tokens have to fit. */
const PREFIX_CACHE = 2 ** 31

async function measure(name: string, model: ConversationModel, rounds: number, lengths: readonly number[]) {
  const folder = mkdtempSync(join(tmpdir(), 'mneme-conversations-'))
  const { bundle, gguf } = await model.files()
  const options = { lengths, rounds, restarts: 1 }
  const tokens = mostTokens(options)
  const served = await benchModel(bundle, folder, { prefixCache: PREFIX_CACHE })
  const args = [...THREADS, '--prefix-cache', String(PREFIX_CACHE)]
  const common = { data: join(folder, 'data'), tokens, concurrency: 1 }
  const contenders = [mnemeContender({ ...common, bin: 'clients/cli/bin.js', model: served, args })]
  if (gguf !== undefined && existsSync(llamaServer))
    contenders.push(llamaContender({ ...common, data: folder, program: llamaServer, gguf, args: THREADS }))
  const machine = describeMachine()
  const llama = contenders.length > 1 ? llamaVersion(llamaServer) : 'not measured'
  const turns = await measureNextTurns(contenders, options, (line) => process.stderr.write(`${line}\n`))
  rmSync(folder, { recursive: true })
  const results = join('docs', 'results', 'next-turn')
  mkdirSync(results, { recursive: true })
  const kept = turns.map((turn) => ({ ...turn, ttft: Math.round(turn.ttft * 10) / 10 }))
  const json = { model: model.about, machine, llama, turns: kept }
  writeFileSync(join(results, `${name}.json`), `${JSON.stringify(json, null, 2)}\n`)
  console.log(`${name}: ${model.about}\n${machine}; ${llama}; medians of ${rounds} rounds\n`)
  console.log(`${nextTurnTable(turns, contenders)}\n`)
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { rounds: { type: 'string', default: '3' }, lengths: { type: 'string' } },
})
for (const name of positionals.length > 0 ? positionals : Object.keys(conversationModels)) {
  const model = conversationModels[name]
  if (!model) throw new Error(`expected one of ${Object.keys(conversationModels).join(', ')}, got ${name}`)
  await measure(name, model, Number(values.rounds), values.lengths?.split(',').map(Number) ?? model.lengths)
}
