/** A conversation with a server: where it is, and how it goes on, back, or two ways. */
import type { Client, ResponseObject } from '../typescript/index.ts'

export interface ConversationOptions {
  readonly client: Client
  readonly model?: string | undefined
  /** The response to continue from. */
  readonly from?: string | undefined
}

export class Conversation {
  readonly #client: Client
  readonly #model: string | undefined
  readonly #connection
  readonly #forks: (string | null)[] = []
  #at: string | null
  #last: ResponseObject | null = null

  constructor({ client, model, from }: ConversationOptions) {
    this.#client = client
    this.#model = model
    this.#at = from ?? null
    this.#connection = client.responses.connect()
  }

  /** Id of the response that is continued next; null before the first. */
  get at(): string | null {
    return this.#at
  }

  /** The last finished response of this conversation's own. */
  get last(): ResponseObject | null {
    return this.#last
  }

  /** Says `text` and yields the reply. A reply that is left early, or aborted, has not happened. */
  async *say(text: string, signal?: AbortSignal): AsyncGenerator<string> {
    const request = {
      input: text,
      ...(this.#model === undefined ? {} : { model: this.#model }),
      ...(this.#at === null ? {} : { previous_response_id: this.#at }),
    }
    for await (const event of this.#connection.stream(request, signal ? { signal } : {})) {
      if (event.type === 'response.output_text.delta') yield event.delta
      if (event.type === 'response.completed' || event.type === 'response.incomplete') {
        this.#at = event.response.id
        this.#last = event.response
      }
    }
  }

  /** Goes `turns` back; not beyond the beginning. Returns how many it went. */
  async rewind(turns: number): Promise<number> {
    let gone = 0
    for (; gone < turns && this.#at !== null; gone++)
      this.#at = (await this.#client.responses.get(this.#at)).previous_response_id
    if (gone > 0) this.#last = null
    return gone
  }

  /** Keeps this point; returns the number under which `goTo` finds it. */
  fork(): number {
    return this.#forks.push(this.#at)
  }

  /** Goes to a kept point. Returns false if there is none of that number. */
  goTo(fork: number): boolean {
    const at = this.#forks[fork - 1]
    if (at === undefined) return false
    this.#at = at
    this.#last = null
    return true
  }

  close(): void {
    this.#connection.close()
  }
}
