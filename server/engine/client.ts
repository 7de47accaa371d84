/** The HTTP thread's side of an engine: jobs in, an event stream per job out. */
import { transferList } from '../checkpoint.ts'
import { createDeferred } from '../deferred.ts'
import type { Port } from '../thread.ts'
import type { CachedPrompt } from '../prefix-cache/cached-prompt.ts'
import type { OpenPrompt } from '../prefix-cache/model-prefixes.ts'
import { EventStream, type JobEvent } from './event-stream.ts'
import type { EngineEvent, FromEngine, ModelInfo } from './messages.ts'
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
  /** Nobody needs the state that the job continues any more: it is moved to the engine instead of being copied. */
  readonly moveState?: boolean
}

export interface Engine {
  /** Rejects with EngineError if the model cannot be opened. */
  readonly ready: Promise<ModelInfo>
  /** Replies that run, and that wait. */
  readonly load: { readonly running: number; readonly waiting: number }
  /** Throws BusyError when the queue is full, EngineError when the thread is gone. Ends after the job's last event. */
  submit(job: NewJob, options?: SubmitOptions): AsyncIterable<JobEvent>
  close(): void
}

/**
 * Of the places that are free, one owner may take this many for each that it leaves: whoever floods the queue leaves
 * room for others (Choudhury and Hahne, "Dynamic queue length thresholds", 1998, with alpha = 7).
 */
const FLOOD_SHARE = 7

interface OpenJob {
  readonly owner: string
  readonly stream: EventStream
  /** Null until the prompt has been looked up, and where the prefix cache is not used. */
  prompt: CachedPrompt | null
}

/**
 * An engine at the other end of `port`, with at most `limit` replies running or waiting. `openPrompt` looks a prompt up
 * in the prefix cache.
 */
export function connectEngine(
  port: Port,
  tokenizer: Tokenizer,
  limit: number,
  openPrompt: OpenPrompt,
): Engine & { fail(reason: string): void } {
  const jobs = new Map<number, OpenJob>()
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
    if (message.kind === 'events') for (const event of message.events) deliver(jobs.get(event.id), event)
    else if (message.kind === 'unusable') fail(message.message)
    else {
      info = message.info
      ready.resolve(message.info)
    }
  })
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
  const begin = async (id: number, fresh: NewJob, entry: OpenJob, moveState: boolean): Promise<void> => {
    const { stream } = entry
    const encoded = await encode(tokenizer, fresh)
    if (jobs.get(id) !== entry) return
    if ('code' in encoded) return stream.push({ kind: 'error', id, ...encoded })
    const began = performance.now()
    const prompt = await lookUp(fresh, encoded.ids, tokenizer, openPrompt)
    if (jobs.get(id) !== entry) return
    entry.prompt = prompt
    const ids = prompt?.tokens ?? encoded.ids
    const prefix = prompt && usedPrefix(prompt, (performance.now() - began) / 1000)
    const { text: promptText, inReasoning } = encoded
    stream.push({ kind: 'accepted', id, prompt: ids, promptText, prefix, inReasoning })
    const job = jobOf(id, fresh, prompt, tokenizer.messageEnds, info?.prefillChunk ?? 1)
    port.postMessage({ kind: 'job', job, prompt: ids }, moveState && fresh.from ? transferList(fresh.from.state) : [])
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
      const entry: OpenJob = { owner: fresh.owner, stream, prompt: null }
      jobs.set(id, entry)
      if (signal?.aborted) cancel()
      else {
        signal?.addEventListener('abort', cancel, { once: true })
        void begin(id, fresh, entry, moveState).catch((error: unknown) =>
          stream.push({ kind: 'error', id, code: 'engine_failed', message: String(error) }),
        )
      }
      return stream.events()
    },
    close: () => port.postMessage({ kind: 'close' }),
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
