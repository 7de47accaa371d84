/** The HTTP thread's side of an engine: jobs in, an event stream per job out. */
import { bytesOfState, type Checkpoint } from '../checkpoint.ts'
import { createDeferred, type Deferred } from '../deferred.ts'
import type { Port } from '../thread.ts'
import type { CachedPrompt } from '../prefix-cache/cached-prompt.ts'
import type { OpenPrompt } from '../prefix-cache/model-prefixes.ts'
import { EventStream, type JobEvent } from './event-stream.ts'
import { fitContext } from './context-length.ts'
import type { EngineEvent, ErrorCode, FromEngine, ModelInfo } from './messages.ts'
import { encode, jobOf, lookUp, usedPrefix, type NewJob } from './new-job.ts'
import type { Tokenizer } from './tokenizer.ts'

export type { JobEvent } from './event-stream.ts'
export type { NewJob, NewReplay, NewTurn } from './new-job.ts'

/** The engine's thread ended, or never began. */
export class EngineError extends Error {
  override name = 'EngineError' as const
}

/** The queue is full: the request can be sent again later. */
export class BusyError extends Error {
  override name = 'BusyError' as const
}

export interface SubmitOptions {
  readonly signal?: AbortSignal
}

export interface Engine {
  /** Replies that run, and that wait. */
  readonly load: { readonly running: number; readonly waiting: number }
  /** Tokens of a job's prompt; null where the tokenizer refuses it. */
  count(job: NewJob): Promise<number | null>
  /** Throws BusyError when the queue is full, EngineError when the thread is gone. Ends after the job's last event. */
  submit(job: NewJob, options?: SubmitOptions): AsyncIterable<JobEvent>
  /** Gives back the memory that is kept of an owner's sequences. */
  forget(owner: string): void
  close(): void
}

/**
 * Of the places that are free, one owner may take this many for each that it leaves: whoever floods the queue leaves
 * room for others (Choudhury and Hahne, "Dynamic queue length thresholds", 1998, with alpha = 7).
 */
const FLOOD_SHARE = 7

/** What a job takes of the memory: so many sequences of so many tokens, and a state of `stateBytes` that it goes on from. */
export interface MemoryDemand {
  readonly owner: string
  readonly sequences: number
  readonly tokens: number
  readonly stateBytes: number
}

/** Resolves once the model is loaded and has memory for a job, to what gives that back. Rejects with AdmissionError. */
export type Admit = (demand: MemoryDemand, signal: AbortSignal) => Promise<() => void>

/** A job cannot be computed: `code` and the message are for its client. */
export class AdmissionError extends Error {
  override name = 'AdmissionError' as const
  readonly code: ErrorCode

  constructor(code: ErrorCode, message: string) {
    super(message)
    this.code = code
  }
}

export interface EngineOptions {
  readonly tokenizer: Tokenizer
  /** Replies that run or wait, at most. */
  readonly limit: number
  /** Tokens of a conversation at most; null: no limit. */
  readonly contextLength: number | null
  /** Looks a prompt up in the prefix cache. */
  readonly openPrompt: OpenPrompt
  readonly admit: Admit
}

/** An engine whose model comes and goes. */
export interface EngineClient extends Engine {
  /** The model is being opened at the other end of `port`. Rejects with EngineError if it cannot be opened. */
  attach(port: Port): Promise<ModelInfo>
  /** There is no other end any more. */
  detach(): void
  /** The other end is gone: what it was doing fails, what waits to be admitted goes on waiting. */
  fail(reason: string): void
}

interface OpenJob {
  readonly owner: string
  readonly stream: EventStream
  /** Whether it waits for the model and its memory. */
  waits: boolean
  readonly gone: AbortController
  /** Null until the prompt has been looked up, and where the prefix cache is not used. */
  prompt: CachedPrompt | null
}

/** An engine over the model at the other end of `port`, which has all the memory that it needs. */
export function connectEngine(
  port: Port,
  options: Omit<EngineOptions, 'admit'>,
): EngineClient & { ready: Promise<ModelInfo> } {
  const engine = createEngineClient({ ...options, admit: async () => () => undefined })
  return Object.assign(engine, { ready: engine.attach(port) })
}

export function createEngineClient(options: EngineOptions): EngineClient {
  const { tokenizer, limit, contextLength, openPrompt, admit: enter } = options
  const jobs = new Map<number, OpenJob>()
  let port: Port | null = null
  let opening: Deferred<ModelInfo> | null = null
  let info: ModelInfo | null = null
  let lastId = 0
  let broken: string | null = null

  const fail = (reason: string): void => {
    broken = reason
    opening?.reject(new EngineError(reason))
    for (const [id, { stream, waits }] of jobs)
      if (!waits) stream.push({ kind: 'error', id, code: 'engine_failed', message: reason })
  }
  const receive = (message: FromEngine): void => {
    if (message.kind === 'events') for (const event of message.events) deliver(jobs.get(event.id), event)
    else if (message.kind === 'unusable') fail(message.message)
    else {
      info = message.info
      opening?.resolve(message.info)
    }
  }
  const count = (which: (job: OpenJob) => boolean): number => {
    let replies = 0
    for (const job of jobs.values()) if (which(job)) replies += job.stream.replies
    return replies
  }
  const admit = (owner: string, replies: number): void => {
    if (jobs.size === 0) return
    const [all, own] = [count(() => true), count((job) => job.owner === owner)]
    if (all + replies > limit) throw new BusyError(`The queue is full: ${limit} replies are running or waiting.`)
    const alone = all === own && limit - all >= replies + 1
    if (!alone && own + replies > FLOOD_SHARE * (limit - all - replies + 1))
      throw new BusyError(`The queue is nearly full, and ${own} of its ${all} replies are yours.`)
  }
  /** Tokenizes the prompt, and hands the job to the engine unless its client has gone meanwhile. */
  const begin = async (id: number, fresh: NewJob, entry: OpenJob): Promise<void> => {
    const { stream } = entry
    const encoded = await encode(tokenizer, fresh)
    if (jobs.get(id) !== entry) return
    if ('code' in encoded) return stream.push({ kind: 'error', id, ...encoded })
    const began = performance.now()
    const prompt = await lookUp(fresh, encoded.ids, tokenizer, openPrompt)
    if (jobs.get(id) !== entry) return
    const ids = prompt?.tokens ?? encoded.ids
    const maxTokens = fit(fresh, ids.length, contextLength)
    if (typeof maxTokens === 'string')
      return stream.push({ kind: 'error', id, code: 'prompt_too_long', message: maxTokens })
    entry.prompt = prompt
    const prefix = prompt && usedPrefix(prompt, (performance.now() - began) / 1000)
    const { text: promptText, inReasoning } = encoded
    stream.push({ kind: 'accepted', id, prompt: ids, promptText, prefix, inReasoning })
    entry.waits = true
    const leave = await enter(demandOf(fresh, prompt?.from ?? fresh.from, ids.length, maxTokens), entry.gone.signal)
    entry.waits = false
    if (jobs.get(id) !== entry) return leave()
    entry.gone.signal.addEventListener('abort', leave, { once: true })
    if (broken !== null) return stream.push({ kind: 'error', id, code: 'engine_failed', message: broken })
    const job = jobOf(id, fresh, prompt, tokenizer.messageEnds, { maxTokens, prefillChunk: info?.prefillChunk ?? 1 })
    port?.postMessage({ kind: 'job', job, prompt: ids })
  }
  return {
    fail,
    attach(next) {
      const attached = createDeferred<ModelInfo>()
      ;[port, opening, broken] = [next, attached, null]
      next.on('message', (received) => {
        if (port === next) receive(received as FromEngine)
      })
      return attached.promise
    },
    get load() {
      return { running: count(({ stream }) => stream.started), waiting: count(({ stream }) => !stream.started) }
    },
    submit(fresh, { signal } = {}) {
      if (broken !== null) throw new EngineError(broken)
      const replies = fresh.kind === 'turn' ? fresh.choices : 1
      admit(fresh.owner, replies)
      const id = ++lastId
      const gone = new AbortController()
      const release = (): void => {
        jobs.delete(id)
        gone.abort()
        signal?.removeEventListener('abort', cancel)
      }
      const overflow = (): void => {
        port?.postMessage({ kind: 'cancel', id })
        stream.push({ kind: 'error', id, code: 'reader_too_slow', message: 'too much waits for the reader' })
      }
      const stream = new EventStream(replies, release, overflow)
      const cancel = (): void => {
        port?.postMessage({ kind: 'cancel', id })
        stream.abort()
      }
      const entry: OpenJob = { owner: fresh.owner, stream, waits: false, gone, prompt: null }
      jobs.set(id, entry)
      if (signal?.aborted) cancel()
      else {
        signal?.addEventListener('abort', cancel, { once: true })
        void begin(id, fresh, entry).catch((error: unknown) => {
          const code = error instanceof AdmissionError ? error.code : 'engine_failed'
          stream.push({ kind: 'error', id, code, message: error instanceof Error ? error.message : String(error) })
        })
      }
      return stream.events()
    },
    async count(job) {
      const encoded = await encode(tokenizer, job)
      return 'code' in encoded ? null : encoded.ids.length
    },
    forget: (owner) => port?.postMessage({ kind: 'forget', owner }),
    detach() {
      ;[port, broken] = [null, null]
    },
    close() {
      port?.postMessage({ kind: 'close' })
      port = null
    },
  }
}

/** Gives a job's event to its reader, and its states to the prefix cache. */
function deliver(job: OpenJob | undefined, event: EngineEvent): void {
  if (!job) return
  if (event.kind === 'snapshot') return job.prompt?.take(event)
  if (event.kind !== 'done' || !job.prompt) return job.stream.push(event)
  const kept = job.prompt.finish(event)
  if (!job.prompt.durable) return job.stream.push(event)
  // Who has read the end of the reply finds its prefixes on disk.
  const tell = (): void => job.stream.push(event)
  kept.then(tell, tell)
}

/** How long a reply may be, or a sentence that says why there is no room for one. */
function fit(job: NewJob, prompt: number, contextLength: number | null): number | string {
  if (job.kind === 'replay') return 0 // it fitted when it was a turn
  const { from, maxTokens, leastTokens } = job
  return fitContext(contextLength, conversationTokens(from, prompt), maxTokens, leastTokens)
}

/** Tokens of a conversation with a new prompt of so many. */
export function conversationTokens(from: Checkpoint | null, prompt: number): number {
  return (from?.position ?? 0) + (from?.pending.length ?? 0) + prompt
}

/** The memory for all tokens that a job may end with, from its beginning on. */
function demandOf(job: NewJob, held: Checkpoint | null, prompt: number, maxTokens: number): MemoryDemand {
  const { owner, from } = job
  const reply = job.kind === 'turn' ? maxTokens : job.steps.length
  return {
    owner,
    sequences: job.kind === 'turn' ? job.choices : 1,
    tokens: conversationTokens(from, prompt) + reply,
    stateBytes: held ? bytesOfState(held.state) : 0,
  }
}
