/**
 * Recall of the bundled model through a real server that is killed with -9 between what it is told and what it is asked:
 * `npx tsx tests/bench/keeper-kill.ts [facts=8] [turns=200] [conversations=25]`. 200 turns of small talk are about 4,000 tokens.
 */
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Answerer, evaluateRecall } from '../../trainer/evaluate/keeper.ts'
import { recallTable } from '../../trainer/evaluate/keeper-table.ts'
import { ServerAnswerer } from '../../trainer/evaluate/server-answerer.ts'
import { ServerClient } from '../../trainer/evaluate/server-client.ts'
import { openText } from '../../runtime/text.ts'
import { listening, type ServerProcess } from '../support/process.ts'

const [facts, turns, conversations] = [8, 200, 25].map((value, i) => Number(process.argv[2 + i] ?? value)) as [
  number,
  number,
  number,
]
const folder = mkdtempSync(join(tmpdir(), 'mneme-keeper-'))
let kills = 0
let server = await start()

function start(): Promise<ServerProcess> {
  const args = ['clients/cli/bin.js', 'serve', '--port', '0', '--data', folder, '--log-level', 'warn']
  return listening(spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] }))
}

async function restart(): Promise<void> {
  server.child.kill('SIGKILL')
  await server.exited
  kills++
  server = await start()
}

/** Talks to whichever server runs; before the questions, the one that was told is killed. */
class Killed implements Answerer {
  readonly #conversation: { previous?: string }
  constructor(conversation: { previous?: string }) {
    this.#conversation = conversation
  }

  async reset(): Promise<void> {
    delete this.#conversation.previous
  }

  async say(user: string): Promise<string> {
    const answerer = new ServerAnswerer(new ServerClient(server.url), this.#conversation.previous)
    const reply = await answerer.say(user)
    this.#conversation.previous = answerer.previous!
    return reply
  }

  async fork(): Promise<Answerer> {
    await restart()
    return new Killed({ ...this.#conversation })
  }
}

const codec = openText('models/pretrained/keeper')
const result = await evaluateRecall(new Killed({}), {
  seed: 11,
  conditions: ['heldout'],
  facts: [facts],
  distances: [turns],
  conversations,
  tokens: (text) => codec.encode(text).length,
})
console.log(recallTable(result))
console.log(`${kills} kills -9, each between telling and asking`)
server.child.kill('SIGKILL')
rmSync(folder, { recursive: true })
