/** A running server, asked over HTTP. */
import type { Subject } from './model.ts'

export class ServerError extends Error {
  override name = 'ServerError' as const
}

interface Version {
  readonly models: readonly {
    readonly name: string
    readonly architecture: string
    readonly parameters: number
    readonly state_bytes: number | null
  }[]
}

export class ServerClient {
  readonly #url: string
  readonly #key: string | undefined
  #model: string | undefined

  constructor(url: string, key?: string) {
    this.#url = url.replace(/\/$/, '')
    this.#key = key
  }

  /** The name of the server's first model. */
  async model(): Promise<string> {
    return (this.#model ??= (await this.call<{ data: { id: string }[] }>('/v1/models')).data[0]!.id)
  }

  /** What that model is. */
  async subject(): Promise<Subject> {
    const name = await this.model()
    const { models } = await this.call<Version>('/version')
    const found = models.find((model) => model.name === name)
    if (found === undefined) throw new ServerError(`${this.#url}/version: expected the model ${name}, found none`)
    const { architecture, parameters, state_bytes: bytes } = found
    return { model: `${name} at ${this.#url}`, architecture, parameters, stateFloats: (bytes ?? 0) / 4 }
  }

  /** The answer to a GET, or to a POST where there is a body. Throws ServerError with the server's own message. */
  async call<T>(path: string, body?: object): Promise<T> {
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
