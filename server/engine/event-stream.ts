/** Events of one job between the engine that pushes and the reader that pulls. */
import type { AcceptedEvent, EngineEvent } from './messages.ts'

export type JobEvent = EngineEvent | AcceptedEvent

export class EventStream {
  /** Replies of the job that have not ended. */
  #open: number
  readonly replies: number
  started = false
  readonly #release: () => void
  #queue: JobEvent[] = []
  #wake: (() => void) | null = null
  #over = false

  /** `release` is called once, when nothing more will be pushed. */
  constructor(replies: number, release: () => void) {
    this.replies = replies
    this.#open = replies
    this.#release = release
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
