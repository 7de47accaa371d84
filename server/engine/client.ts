/** The HTTP thread's side of an engine: jobs in, an event stream per job out. */
import { transferList, type Checkpoint } from '../checkpoint.ts'
import { createDeferred } from '../deferred.ts'
import type { Port } from '../thread.ts'
import { EventStream, type JobEvent } from './event-stream.ts'
import { fitContext } from './context-length.ts'
import type { FromEngine, Job, ModelInfo, Prompt, ReplayJob, TurnJob } from './messages.ts'
import type { Tokenizer } from './tokenizer.ts'

export type { JobEvent } from './event-stream.ts'

/** A job that has no number yet, and its prompt. A replay's prompt is ids. */
export type NewTurn = Omit<TurnJob, 'id' | 'prefillChunk'> & {
  readonly prompt: Prompt
  /** Tokens that there has to be room for in each reply; where there is room for fewer than `maxTokens`, it ends there. */
  readonly leastTokens: number
}
export type NewReplay = Omit<ReplayJob, 'id'> & { readonly prompt: Prompt }
export type NewJob = NewTurn | NewReplay

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
  /** Nobody needs the state that the job continues any more: it is moved to the engine instead of being copied. */
  readonly moveState?: boolean
}

export interface Engine {
  /** Rejects with EngineError if the model cannot be opened. */
  readonly ready: Promise<ModelInfo>
  /** Replies that run, and that wait. */
  readonly load: { readonly running: number; readonly waiting: number }
  /** Tokens of a job's prompt; null where the tokenizer refuses it. */
  count(job: NewJob): Promise<number | null>
  /** Throws BusyError when the queue is full, EngineError when the thread is gone. Ends after the job's last event. */
  submit(job: NewJob, options?: SubmitOptions): AsyncIterable<JobEvent>
  close(): void
}

/**
 * Of the places that are free, one owner may take this many for each that it leaves: whoever floods the queue leaves
 * room for others (Choudhury and Hahne, "Dynamic queue length thresholds", 1998, with alpha = 7).
 */
const FLOOD_SHARE = 7

/**
 * An engine at the other end of `port`, with at most `limit` replies running or waiting, whose conversations have at
 * most `contextLength` tokens.
 */
export function connectEngine(
  port: Port,
  tokenizer: Tokenizer,
  limit: number,
  contextLength: number | null,
): Engine & { fail(reason: string): void } {
  const jobs = new Map<number, { readonly owner: string; readonly stream: EventStream }>()
  const ready = createDeferred<ModelInfo>()
  let info: ModelInfo | null = null
  let lastId = 0
  let broken: string | null = null

  const fail = (reason: string): void => {
    broken = reason
    ready.reject(new EngineError(reason))
    for (const [id, { stream }] of jobs) stream.push({ kind: 'error', id, code: 'engine_failed', message: reason })
  }
  port.on('message', (received) => {
    const message = received as FromEngine
    if (message.kind === 'events') for (const event of message.events) jobs.get(event.id)?.stream.push(event)
    else if (message.kind === 'unusable') fail(message.message)
    else {
      info = message.info
      ready.resolve(message.info)
    }
  })
  const count = (which: (job: { owner: string; stream: EventStream }) => boolean): number => {
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
  const begin = async (id: number, fresh: NewJob, stream: EventStream, moveState: boolean): Promise<void> => {
    const { prompt, from, owner } = fresh
    const encoded = await encode(tokenizer, owner, prompt, from)
    if (jobs.get(id)?.stream !== stream) return
    if ('code' in encoded) return stream.push({ kind: 'error', id, ...encoded })
    const fitting = fit(fresh, encoded.ids.length, contextLength)
    if (typeof fitting === 'string')
      return stream.push({ kind: 'error', id, code: 'prompt_too_long', message: fitting })
    stream.push({ kind: 'accepted', id, prompt: encoded.ids, promptText: encoded.text })
    const job = jobOf(id, fresh, fitting, info?.prefillChunk ?? 1)
    port.postMessage({ kind: 'job', job, prompt: encoded.ids }, moveState && from ? transferList(from.state) : [])
  }
  return {
    ready: ready.promise,
    fail,
    get load() {
      return { running: count(({ stream }) => stream.started), waiting: count(({ stream }) => !stream.started) }
    },
    submit(fresh, { signal, moveState = false } = {}) {
      if (broken !== null) throw new EngineError(broken)
      const replies = fresh.kind === 'turn' ? fresh.choices : 1
      admit(fresh.owner, replies)
      const id = ++lastId
      const release = (): void => {
        jobs.delete(id)
        signal?.removeEventListener('abort', cancel)
      }
      const overflow = (): void => {
        port.postMessage({ kind: 'cancel', id })
        stream.push({ kind: 'error', id, code: 'reader_too_slow', message: 'too much waits for the reader' })
      }
      const stream = new EventStream(replies, release, overflow)
      const cancel = (): void => {
        port.postMessage({ kind: 'cancel', id })
        stream.abort()
      }
      jobs.set(id, { owner: fresh.owner, stream })
      if (signal?.aborted) cancel()
      else {
        signal?.addEventListener('abort', cancel, { once: true })
        void begin(id, fresh, stream, moveState).catch((error: unknown) =>
          stream.push({ kind: 'error', id, code: 'engine_failed', message: String(error) }),
        )
      }
      return stream.events()
    },
    async count({ prompt, from, owner }) {
      const encoded = await encode(tokenizer, owner, prompt, from)
      return 'code' in encoded ? null : encoded.ids.length
    },
    close: () => port.postMessage({ kind: 'close' }),
  }
}

function encode(
  tokenizer: Tokenizer,
  owner: string,
  prompt: Prompt,
  from: Job['from'],
): ReturnType<Tokenizer['encode']> {
  return tokenizer.encode(owner, prompt, from !== null, from?.pending.length ?? 0)
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

function jobOf(id: number, job: NewJob, maxTokens: number, prefillChunk: number): Job {
  const { prompt: _, ...fresh } = job
  if (fresh.kind === 'replay') return { ...fresh, id }
  const { leastTokens: __, ...turn } = fresh
  return { ...turn, id, maxTokens, prefillChunk }
}
