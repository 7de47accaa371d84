/** What the engine has to say, gathered so that a fast model does not wake the other thread for each of its tokens. */
import type { EngineEvent } from './messages.ts'

/**
 * Text waits for at most so long. Waking another thread costs a tenth of a millisecond, which is half a step of a small
 * model; a model whose steps take longer than this sends after every step.
 */
const TEXT_MS = 2

export class Outbox {
  readonly #send: (events: readonly EngineEvent[]) => void
  #events: EngineEvent[] = []
  #sentAt = -Infinity

  constructor(send: (events: readonly EngineEvent[]) => void) {
    this.#send = send
  }

  /** Takes the events of a step and sends what is due. */
  add(events: readonly EngineEvent[]): void {
    let due = performance.now() - this.#sentAt >= TEXT_MS
    for (const event of events) {
      this.#events.push(event)
      if (event.kind !== 'text' || event.first) due = true
    }
    if (due) this.flush()
  }

  /** Sends everything. To be called when nothing more may come soon. */
  flush(): void {
    if (this.#events.length === 0) return
    const events = this.#events
    this.#events = []
    this.#sentAt = performance.now()
    this.#send(events)
  }
}
