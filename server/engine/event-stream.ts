/** Events of one job between the engine that pushes and the reader that pulls. */
import type { AcceptedEvent, EngineEvent, TextEvent } from './messages.ts'

export type JobEvent = EngineEvent | AcceptedEvent

/** Log-probabilities, of tokens and of their alternatives, that may wait for a reader: some 15 MB. */
const MAX_LOGPROBS = 100_000

export class EventStream {
  /** Replies of the job that have not ended. */
  #open: number
  readonly replies: number
  started = false
  readonly #release: () => void
  readonly #overflow: () => void
  #logprobs = 0
  #queue: JobEvent[] = []
  #wake: (() => void) | null = null
  #over = false

  /** `release` is called once, when nothing more will be pushed; `overflow` when too much waits for the reader. */
  constructor(replies: number, release: () => void, overflow: () => void) {
    this.replies = replies
    this.#open = replies
    this.#release = release
    this.#overflow = overflow
  }

  push(event: JobEvent): void {
    if (this.#over) return
    if (event.kind === 'started') this.started = true
    if (event.kind === 'done') this.#open--
    const before = this.#queue.at(-1)
    // A slow reader gets longer pieces, not a longer queue.
    if (event.kind === 'progress' && before?.kind === 'progress') this.#queue[this.#queue.length - 1] = event
    else if (event.kind === 'text' && before?.kind === 'text' && before.choice === event.choice) {
      for (const token of event.tokens) before.tokens.push(token)
      this.#queue[this.#queue.length - 1] = { ...before, text: before.text + event.text }
    } else this.#queue.push(event)
    if (event.kind === 'text' && (this.#logprobs += logprobsIn(event)) > MAX_LOGPROBS) return this.#overflow()
    if (event.kind === 'error' || this.#open === 0) this.#finish()
    this.#wake?.()
  }

  /** The reader has gone: what was queued is dropped. */
  abort(): void {
    this.#queue = []
    this.#finish()
    this.#wake?.()
  }

  async *events(): AsyncGenerator<JobEvent> {
    while (true) {
      const event = this.#queue.shift()
      if (event?.kind === 'text') this.#logprobs -= logprobsIn(event)
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

function logprobsIn({ tokens }: TextEvent): number {
  let count = 0
  for (const { top } of tokens) count += 1 + top.length
  return count
}
