/** The conversations of one length with one contender, and the server's restarts between their turns. */
import { setTimeout as sleep } from 'node:timers/promises'
import { addressOf, type Contender, type ManagedServer, type Workload } from './contender.ts'
import { Conversation, type Turn } from './conversation.ts'
import { randomText, wordsPerToken } from './prompts.ts'
import type { NextTurn, Situation } from './situations.ts'
import type { Address } from './stream.ts'

/** How a server ends before it is started again. */
const ENDS = [
  ['SIGTERM', 'after a restart'],
  ['SIGKILL', 'after kill -9'],
] as const

/** How long nothing must have been written before a turn counts as settled: states may follow their turns. */
const QUIET_MS = 600
const MOST_SETTLING_MS = 15_000

/** One conversation is continued by id, the other one is sent whole. */
export class Session {
  readonly #contender: Contender
  readonly #length: number
  readonly #note: (turn: NextTurn) => void
  readonly #byId: Conversation
  readonly #chat: Conversation
  #url: string

  constructor(contender: Contender, url: string, length: number, words: number, note: (turn: NextTurn) => void) {
    const text = (seed: number): string => randomText(Math.max(1, Math.round(length * words)), seed)
    this.#contender = contender
    this.#length = length
    this.#note = note
    this.#byId = new Conversation(contender, text(2 * length))
    this.#chat = new Conversation(contender, text(2 * length + 1))
    this.#url = url
  }

  /** The first turns. */
  async open(): Promise<void> {
    await this.#measureById('first turn, by id')
    await this.#measure('first turn, chat', (address) => this.#chat.resent(address))
  }

  /** A turn of each kind that needs no restart. */
  async go(say: (line: string) => void): Promise<void> {
    say(`${this.#contender.name}: next turns of ${this.#length} tokens`)
    await this.#measureById('continued by id')
    await this.#measure('resent whole', (address) => this.#chat.resent(address))
    await this.#measure('resent, reasoning stripped', (address) => this.#chat.stripped(address))
  }

  async afterRestarts(restarts: number, say: (line: string) => void): Promise<void> {
    const { server, name } = this.#contender
    if (!server) return
    for (let i = 0; i < restarts; i++) {
      for (const [signal, how] of ENDS) {
        say(`${name}: ${how}, ${this.#length} tokens`)
        await this.#restart(server, signal, 'turns')
        await this.#measureById(`${how}, by id`)
        await this.#measure(`${how}, resent`, (address) => this.#chat.resent(address))
      }
      if (server.slot) await this.#afterSlotRestored(server, server.slot)
      say(`${name}: after the model was unloaded, ${this.#length} tokens`)
      await this.#afterUnloads(server)
    }
  }

  /** Where a server keeps nothing by itself, its operator may save and restore what it has. */
  async #afterSlotRestored(server: ManagedServer, slot: NonNullable<ManagedServer['slot']>): Promise<void> {
    const before = this.#written()
    await slot.save(this.#url)
    const saved = before === null ? 0 : (this.#written() ?? 0) - before
    await this.#restart(server, 'SIGTERM', 'turns')
    await slot.restore(this.#url)
    await this.#measure(
      'after a restart, slot saved and restored, resent',
      (address) => this.#chat.resent(address),
      saved,
    )
  }

  async #afterUnloads(server: ManagedServer): Promise<void> {
    await this.#restart(server, 'SIGTERM', 'unloads')
    const address = addressOf(this.#contender, this.#url)
    if (this.#contender.continuesById) {
      await this.#byId.byId(address)
      await this.#settled()
      await server.unload()
      await this.#measureById('after the model was unloaded, by id')
    }
    await this.#chat.resent(address)
    await this.#settled()
    await server.unload()
    await this.#measure('after the model was unloaded, resent', (where) => this.#chat.resent(where))
  }

  async #restart(server: ManagedServer, signal: 'SIGTERM' | 'SIGKILL', workload: Workload): Promise<void> {
    await this.#settled()
    await server.stop(signal)
    this.#url = await server.start(workload)
  }

  async #measureById(situation: Situation): Promise<void> {
    if (this.#contender.continuesById) await this.#measure(situation, (address) => this.#byId.byId(address))
  }

  async #measure(situation: Situation, turn: (address: Address) => Promise<Turn>, writtenBefore = 0): Promise<void> {
    await this.#settled()
    const before = this.#written()
    const measured = await turn(addressOf(this.#contender, this.#url))
    await this.#settled()
    const after = this.#written()
    const written = before === null || after === null ? null : writtenBefore + after - before
    this.#note({ ...measured, contender: this.#contender.name, length: this.#length, situation, written })
  }

  #written(): number | null {
    return this.#contender.server?.bytesWritten() ?? null
  }

  /** Resolves once the server writes nothing any more. */
  async #settled(): Promise<void> {
    const until = performance.now() + MOST_SETTLING_MS
    for (let seen = this.#written(); performance.now() < until;) {
      await sleep(QUIET_MS)
      const now = this.#written()
      if (now === seen) return
      seen = now
    }
  }
}

/** Starts the server, where that is ours to do, and the conversations. `note` gets each turn. */
export async function openSession(
  contender: Contender,
  length: number,
  note: (turn: NextTurn) => void,
): Promise<Session> {
  const url = contender.url ?? (await contender.server?.start('turns'))
  if (url === undefined) throw new Error(`${contender.name}: expected a URL or a program to start, got neither`)
  const words = await wordsPerToken(addressOf(contender, url), contender.model)
  const session = new Session(contender, url, length, words, note)
  await session.open()
  return session
}
