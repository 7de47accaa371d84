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

  /** A server, and which of its models: the first where `model` is undefined. */
  constructor(url: string, model?: string, key?: string) {
    this.#url = url.replace(/\/$/, '')
    this.#model = model
    this.#key = key
  }

  /** The same server, and another of its models. */
  withModel(model: string): ServerClient {
    return new ServerClient(this.#url, model, this.#key)
  }

  /** The name of the model that is asked. */
  async model(): Promise<string> {
    return (this.#model ??= (await this.call<{ data: { id: string }[] }>('/v1/models')).data[0]!.id)
  }

  /** What that model is. */
  async subject(): Promise<Subject> {
    const name = await this.model()
    const { models } = await this.call<Version>('/version')
    const found = models.find((model) => model.name === name)
    if (found === undefined)
      throw new ServerError(`${this.#url}: expected one of ${models.map((m) => m.name).join(', ')}, got ${name}`)
    const { architecture, parameters, state_bytes: bytes } = found
    return { model: `${name} at ${this.#url}`, architecture, parameters, stateFloats: (bytes ?? 0) / 4 }
  }

  async #fetch(path: string, init: RequestInit): Promise<Response> {
    try {
      return await fetch(this.#url + path, init)
    } catch (cause) {
      throw new ServerError(`${this.#url}: expected a running server, got ${reasonOf(cause)}`, { cause })
    }
  }

  /** The answer to a request, by default a GET, or a POST where there is a body. Throws ServerError with the server's own message. */
  async call<T>(path: string, body?: object, method = body ? 'POST' : 'GET'): Promise<T> {
    const response = await this.#fetch(path, {
      method,
      ...(body ? { body: JSON.stringify(body) } : {}),
      headers: { 'content-type': 'application/json', ...(this.#key ? { authorization: `Bearer ${this.#key}` } : {}) },
    })
    const json = (await response.json()) as T & { error?: { message: string } }
    if (!response.ok)
      throw new ServerError(`${this.#url}${path}: ${response.status}: ${json.error?.message ?? 'no message'}`)
    return json
  }
}

/** Returns why fetch failed, which its error keeps in `cause`. */
function reasonOf(error: unknown): string {
  const { message, cause } = error as Error & { cause?: { code?: string; message?: string } }
  return cause?.code ?? cause?.message ?? message
}
