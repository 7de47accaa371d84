/** Which models are loaded: those that are asked for, within the memory budget; the least recently used ones make room. */
import type { MemoryBudget } from '../memory-budget.ts'
import { AdmissionError, type MemoryDemand } from './client.ts'
import { sequenceBytes, type ModelMemory } from './model-memory.ts'

/** A model that can be loaded and unloaded. */
export interface PooledModel {
  readonly name: string
  readonly memory: ModelMemory
  /** Loads it. Rejects where that fails; nothing of it is in memory then. */
  open(): Promise<void>
  /** Unloads it; resolves once its memory has been given back. */
  shut(): Promise<void>
}

/** What is told of loads, for logs and metrics. */
export interface PoolObserver {
  loaded(model: string, seconds: number): void
  unloaded(model: string): void
  failed(model: string, error: unknown): void
}

interface Entry {
  readonly model: PooledModel
  state: 'unloaded' | 'loading' | 'loaded' | 'unloading'
  /** Jobs that it computes, or will once it is loaded. */
  jobs: number
  lastUse: number
  waiting: Ticket[]
}

/** A job that waits for its model or for memory. */
interface Ticket {
  readonly entry: Entry
  readonly owner: string
  readonly bytes: number
  readonly resolve: (leave: () => void) => void
  readonly reject: (error: Error) => void
}

export class ModelPool {
  readonly #budget: MemoryBudget
  readonly #observer: PoolObserver
  readonly #entries = new Map<PooledModel, Entry>()
  /** Bytes that jobs of an owner hold. */
  readonly #held = new Map<string, number>()
  #queue: Ticket[] = []
  #clock = 0

  constructor(budget: MemoryBudget, observer: PoolObserver) {
    this.#budget = budget
    this.#observer = observer
  }

  add(model: PooledModel): void {
    this.#entries.set(model, { model, state: 'unloaded', jobs: 0, lastUse: 0, waiting: [] })
  }

  isLoaded(model: PooledModel): boolean {
    return this.#entries.get(model)?.state === 'loaded'
  }

  /** Bytes for sequences of a model that is loaded alone. */
  roomFor({ weights, idle }: ModelMemory): number {
    const { limit } = this.#budget
    return limit === null ? Infinity : limit - this.#budget.used.caches - weights - idle
  }

  /** Loads a model where it fits beside the ones that are loaded. Returns whether it does. Rejects where it fails. */
  async load(model: PooledModel): Promise<boolean> {
    const { weights, idle } = model.memory
    if (weights + idle > this.#budget.free) return false
    await new Promise<void>((resolve, reject) => {
      this.#queue.push(this.#ticket(model, '', 0, (leave) => resolve(leave()), reject))
      this.#pump()
    })
    return true
  }

  /**
   * Resolves once the model is loaded and its job has the memory that it may come to need, to the function that gives
   * that back. Jobs get memory one after the other: of the owner who has least, the one that came first. So a job that
   * needs much is not held up for ever by small ones, and a model that is asked for gets its turn.
   */
  async admit(model: PooledModel, demand: MemoryDemand, signal: AbortSignal): Promise<() => void> {
    const { owner, sequences, tokens, stateBytes } = demand
    const bytes = sequences * sequenceBytes(model.memory, tokens) + stateBytes
    const room = this.roomFor(model.memory)
    if (bytes > room) throw tooLarge(demand, bytes, room)
    if (signal.aborted) throw cancelled()
    return new Promise((resolve, reject) => {
      const ticket = this.#ticket(model, owner, bytes, resolve, reject)
      this.#queue.push(ticket)
      signal.addEventListener('abort', () => this.#abandon(ticket), { once: true })
      this.#pump()
    })
  }

  /** The model has gone by itself: its next job loads it again. */
  lost(model: PooledModel): void {
    const entry = this.#entries.get(model)
    if (entry?.state !== 'loaded') return
    entry.state = 'unloaded'
    this.#giveModel(entry)
    this.#pump()
  }

  #ticket(
    model: PooledModel,
    owner: string,
    bytes: number,
    resolve: Ticket['resolve'],
    reject: Ticket['reject'],
  ): Ticket {
    return { entry: this.#entries.get(model) as Entry, owner, bytes, resolve, reject }
  }

  #abandon(ticket: Ticket): void {
    const { entry } = ticket
    ticket.reject(cancelled())
    const queued = this.#queue.includes(ticket)
    this.#queue = this.#queue.filter((other) => other !== ticket)
    if (entry.waiting.includes(ticket)) {
      entry.waiting = entry.waiting.filter((other) => other !== ticket)
      this.#leave(ticket)
    } else if (queued) this.#pump()
  }

  /** Admits jobs for as long as the next one fits. */
  #pump(): void {
    for (let ticket = this.#next(); ticket; ticket = this.#next()) {
      const { entry } = ticket
      if (entry.state === 'unloading' || !this.#makeRoom(ticket)) return
      this.#queue = this.#queue.filter((other) => other !== ticket)
      this.#budget.take('state', ticket.bytes)
      this.#held.set(ticket.owner, (this.#held.get(ticket.owner) ?? 0) + 1 + ticket.bytes)
      entry.jobs++
      entry.lastUse = ++this.#clock
      if (entry.state === 'loaded') this.#begin(ticket)
      else entry.waiting.push(ticket)
      if (entry.state === 'unloaded') void this.#open(entry)
    }
  }

  #next(): Ticket | null {
    const held = ({ owner }: Ticket): number => this.#held.get(owner) ?? 0
    return this.#queue.reduce<Ticket | null>((best, one) => (best && held(best) <= held(one) ? best : one), null)
  }

  /** Whether there is room for a job, and for its model where that is not loaded. Unloads one that does nothing. */
  #makeRoom({ entry, bytes }: Ticket): boolean {
    const { weights, idle } = entry.model.memory
    const missing = bytes + (entry.state === 'unloaded' ? weights + idle : 0) - this.#budget.free
    if (missing <= 0) return true
    const all = [...this.#entries.values()]
    if (all.some(({ state }) => state === 'unloading')) return false
    const unused = all.filter((one) => one !== entry && one.state === 'loaded' && one.jobs === 0)
    const gained = unused.reduce((sum, { model: { memory } }) => sum + memory.weights + memory.idle, 0)
    // Otherwise jobs have to end first.
    if (gained < missing) return false
    void this.#shut(unused.reduce((oldest, one) => (one.lastUse < oldest.lastUse ? one : oldest)))
    return false
  }

  async #open(entry: Entry): Promise<void> {
    const { model } = entry
    entry.state = 'loading'
    this.#budget.take('weights', model.memory.weights)
    this.#budget.take('state', model.memory.idle)
    const began = performance.now()
    try {
      await model.open()
      entry.state = 'loaded'
      this.#observer.loaded(model.name, (performance.now() - began) / 1000)
      for (const ticket of entry.waiting.splice(0)) this.#begin(ticket)
    } catch (error) {
      entry.state = 'unloaded'
      this.#giveModel(entry)
      this.#observer.failed(model.name, error)
      for (const ticket of entry.waiting.splice(0)) {
        this.#leave(ticket)
        ticket.reject(error instanceof Error ? error : new Error(String(error)))
      }
    }
    this.#pump()
  }

  async #shut(entry: Entry): Promise<void> {
    entry.state = 'unloading'
    await entry.model.shut()
    entry.state = 'unloaded'
    this.#giveModel(entry)
    this.#observer.unloaded(entry.model.name)
    this.#pump()
  }

  #begin(ticket: Ticket): void {
    let left = false
    ticket.resolve(() => {
      if (!left) this.#leave(ticket)
      left = true
    })
  }

  #leave({ entry, owner, bytes }: Ticket): void {
    this.#budget.give('state', bytes)
    const held = (this.#held.get(owner) ?? 0) - 1 - bytes
    if (held > 0) this.#held.set(owner, held)
    else this.#held.delete(owner)
    entry.jobs--
    this.#pump()
  }

  #giveModel({ model: { memory } }: Entry): void {
    this.#budget.give('weights', memory.weights)
    this.#budget.give('state', memory.idle)
  }
}

function cancelled(): AdmissionError {
  return new AdmissionError('engine_failed', 'The request was cancelled.')
}

function tooLarge({ sequences, tokens }: MemoryDemand, bytes: number, room: number): AdmissionError {
  const what = sequences === 1 ? `a conversation of ${tokens} tokens` : `${sequences} replies of ${tokens} tokens each`
  const message =
    `The memory of ${what} takes ${bytes} bytes; beside this model there are ${Math.max(0, room)} within the server's ` +
    `memory budget. Shorten the prompt, or ask for fewer tokens or replies.`
  return new AdmissionError('prompt_too_long', message)
}
