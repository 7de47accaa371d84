/** The HTTP thread's side of an engine: jobs in, an event stream per job out. */
import type { Port } from '../thread.ts'
import type { FromEngine, ModelInfo, ReplayJob, TurnJob } from './messages.ts'

export type JobEvent = Exclude<FromEngine, { kind: 'ready' | 'unusable' }>
type Fresh<T> = T extends unknown ? Omit<T, 'id'> : never
export type NewJob = Fresh<TurnJob | ReplayJob>

/** The engine's thread ended, or never began. */
export class EngineError extends Error {
  override name = 'EngineError' as const
}

/** The queue is full: the request can be sent again later. */
export class BusyError extends Error {
  override name = 'BusyError' as const
}

export interface Engine {
  /** Rejects with EngineError if the model cannot be opened. */
  readonly ready: Promise<ModelInfo>
  /** Lines running or waiting. */
  readonly load: { readonly running: number; readonly waiting: number }
  /** Throws BusyError when the queue is full, EngineError when the thread is gone. Ends after the job's last event. */
  submit(job: NewJob, signal?: AbortSignal): AsyncIterable<JobEvent>
  close(): void
}

/** An engine at the other end of `port`, with at most `limit` lines in work or waiting. */
export function connectEngine(port: Port, limit: number): Engine & { fail(reason: string): void } {
  const jobs = new Map<number, Stream>()
  let settle: { resolve: (info: ModelInfo) => void; reject: (error: Error) => void } | undefined
  const ready = new Promise<ModelInfo>((resolve, reject) => (settle = { resolve, reject }))
  ready.catch(() => undefined)
  let lastId = 0
  let broken: string | null = null

  const fail = (reason: string): void => {
    broken = reason
    settle?.reject(new EngineError(reason))
    for (const [id, job] of jobs) job.push({ kind: 'error', id, code: 'engine_failed', message: reason })
  }
  port.on('message', (message) => {
    const event = message as FromEngine
    if (event.kind === 'ready') settle?.resolve(event.info)
    else if (event.kind === 'unusable') fail(event.message)
    else jobs.get(event.id)?.push(event)
  })
  const count = (started: boolean): number => {
    let lines = 0
    for (const job of jobs.values()) if (job.started === started) lines += job.lines
    return lines
  }
  return {
    ready,
    fail,
    get load() {
      return { running: count(true), waiting: count(false) }
    },
    submit(fresh, signal) {
      if (broken !== null) throw new EngineError(broken)
      const lines = fresh.kind === 'turn' ? fresh.choices : 1
      if (jobs.size > 0 && count(true) + count(false) + lines > limit) {
        throw new BusyError(`The queue is full: ${limit} replies are running or waiting.`)
      }
      const id = ++lastId
      const job = new Stream(lines, () => {
        jobs.delete(id)
        signal?.removeEventListener('abort', cancel)
      })
      const cancel = (): void => {
        port.postMessage({ kind: 'cancel', id })
        job.abort()
      }
      jobs.set(id, job)
      if (signal?.aborted) cancel()
      else {
        signal?.addEventListener('abort', cancel, { once: true })
        port.postMessage({ ...fresh, id })
      }
      return job.events()
    },
    close: () => port.postMessage({ kind: 'close' }),
  }
}

/** Events of one job between the engine that pushes and the reader that pulls. */
class Stream {
  readonly lines: number
  started = false
  readonly #release: () => void
  #open: number
  #queue: JobEvent[] = []
  #wake: (() => void) | null = null
  #over = false

  constructor(lines: number, release: () => void) {
    this.lines = lines
    this.#open = lines
    this.#release = release
  }

  push(event: JobEvent): void {
    if (event.kind === 'started') this.started = true
    if (event.kind === 'done') this.#open--
    const before = this.#queue.at(-1)
    // A slow reader gets longer pieces, not a longer queue.
    if (event.kind === 'text' && before?.kind === 'text' && before.choice === event.choice) {
      for (const token of event.tokens) before.tokens.push(token)
      this.#queue[this.#queue.length - 1] = { ...before, text: before.text + event.text }
    } else this.#queue.push(event)
    if (event.kind === 'error' || this.#open === 0) this.#finish()
    this.#wake?.()
  }

  /** The reader has gone: what was queued is forgotten. */
  abort(): void {
    this.#queue = []
    this.#finish()
    this.#wake?.()
  }

  async *events(): AsyncGenerator<JobEvent> {
    while (true) {
      const event = this.#queue.shift()
      if (event) yield event
      else if (this.#over) return
      else await new Promise<void>((resolve) => (this.#wake = resolve))
    }
  }

  #finish(): void {
    if (!this.#over) this.#release()
    this.#over = true
  }
}
