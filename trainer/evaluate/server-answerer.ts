/** Holds a conversation with a running server: each turn continues the last response by its id. */
import type { Answerer } from './keeper.ts'
import type { ServerClient } from './server-client.ts'

interface Reply {
  readonly id: string
  readonly output: readonly { readonly content: readonly { readonly text: string }[] }[]
}

export class ServerAnswerer implements Answerer {
  readonly #client: ServerClient
  #previous: string | undefined

  /** Continues `previous`, a response's id, where one is given. */
  constructor(client: ServerClient, previous?: string) {
    this.#client = client
    this.#previous = previous
  }

  /** The id of the last response, from which the conversation goes on. */
  get previous(): string | undefined {
    return this.#previous
  }

  async reset(): Promise<void> {
    this.#previous = undefined
  }

  async say(user: string): Promise<string> {
    const reply = await this.#client.call<Reply>('/v1/responses', {
      model: await this.#client.model(),
      input: user,
      temperature: 0,
      max_output_tokens: 48,
      ...(this.#previous === undefined ? {} : { previous_response_id: this.#previous }),
    })
    this.#previous = reply.id
    return reply.output.flatMap(({ content }) => content.map(({ text }) => text)).join('')
  }

  async fork(): Promise<Answerer> {
    return new ServerAnswerer(this.#client, this.#previous)
  }
}
