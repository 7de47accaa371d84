/** A running server as a partner in conversation: each turn continues the last response's id. */
import type { Answerer } from './keeper.ts'

export class ServerError extends Error {
  override name = 'ServerError' as const
}

interface Reply {
  readonly id: string
  readonly output: readonly { readonly content: readonly { readonly text: string }[] }[]
  readonly error?: { readonly message: string }
}

export class ServerAnswerer implements Answerer {
  readonly #url: string
  readonly #key: string | undefined
  #model: string | undefined
  #previous: string | undefined

  /** Continues `previous`, a response's id, where one is given. */
  constructor(url: string, key?: string, previous?: string) {
    this.#url = url.replace(/\/$/, '')
    this.#key = key
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
    this.#model ??= (await this.#call<{ data: { id: string }[] }>('/v1/models')).data[0]!.id
    const reply = await this.#call<Reply>('/v1/responses', {
      model: this.#model,
      input: user,
      temperature: 0,
      max_output_tokens: 48,
      ...(this.#previous === undefined ? {} : { previous_response_id: this.#previous }),
    })
    this.#previous = reply.id
    return reply.output.flatMap(({ content }) => content.map(({ text }) => text)).join('')
  }

  async fork(): Promise<Answerer> {
    const copy = new ServerAnswerer(this.#url, this.#key)
    copy.#model = this.#model
    copy.#previous = this.#previous
    return copy
  }

  async #call<T>(path: string, body?: object): Promise<T> {
    const response = await fetch(this.#url + path, {
      ...(body ? { method: 'POST', body: JSON.stringify(body) } : {}),
      headers: { 'content-type': 'application/json', ...(this.#key ? { authorization: `Bearer ${this.#key}` } : {}) },
    })
    const json = (await response.json()) as T & { error?: { message: string } }
    if (!response.ok)
      throw new ServerError(`${this.#url}${path}: ${response.status}: ${json.error?.message ?? 'no message'}`)
    return json
  }
}
