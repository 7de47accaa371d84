import OpenAI, { APIError } from 'openai'
import { describe, expect, onTestFinished, test } from 'vitest'
import { loadBundle } from '../../../runtime/bundle.ts'
import { openEmbedder } from '../../../runtime/embedder.ts'
import { embedderSource } from '../../../server/cli.ts'
import { configSchema } from '../../../server/config.ts'
import { startEmbedders } from '../../../server/embedding/served-embedder.ts'
import { MemoryBudget } from '../../../server/memory-budget.ts'
import { startServer } from '../../../server/serve.ts'
import { expectClose } from '../../support/all-close.ts'
import { fakeParts, fakeSource } from '../../support/fake-source.ts'
import { temporaryFolder } from '../../support/temporary.ts'
import type { Json } from '../../support/test-server.ts'
import { TINY_EMBEDDER, writeTinyEmbedder } from '../../support/tiny-embedder.ts'

const CLOSE = { absolute: 1e-6, relative: 0 }
const TEXTS = ['a cat', 'the dog sleeps in the sun', 'Grüße', 'a']

async function start(settings: Json = {}, names = ['tiny-embedder']) {
  const config = configSchema.parse({
    port: 0,
    data: temporaryFolder(),
    logLevel: 'silent',
    drainTimeout: 1,
    ...settings,
  })
  const bundles = await Promise.all(
    names.map(async (name, at) => loadBundle(await writeTinyEmbedder(temporaryFolder(), name, 7 + at))),
  )
  const sources = { models: [fakeSource()], embedders: bundles.map(embedderSource) }
  const server = await startServer(config, sources, fakeParts(config))
  onTestFinished(() => server.stop())
  const post = async (body: Json, headers: Record<string, string> = {}): Promise<{ status: number; json: Json }> => {
    const answer = await fetch(`${server.url}/v1/embeddings`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(body),
    })
    return { status: answer.status, json: await answer.json() }
  }
  const vectorsOf = async (texts: readonly string[], at = 0): Promise<Float32Array[]> => {
    const embedder = await openEmbedder(bundles[at]!, { threads: 1 })
    const vectors = await embedder.embed(texts.map((text) => embedder.encode(text)))
    embedder.close()
    return vectors
  }
  return { server, post, vectorsOf, client: new OpenAI({ apiKey: 'k', baseURL: `${server.url}/v1`, maxRetries: 0 }) }
}

const numbers = ({ data }: Json): Float32Array[] => data.map(({ embedding }: Json) => Float32Array.from(embedding))

describe('embeddings', () => {
  test('the official client gets the vectors of the encoder, as numbers and as base64', async () => {
    const { client, vectorsOf } = await start()
    const expected = await vectorsOf(TEXTS)
    for (const encoding_format of [undefined, 'float', 'base64'] as const) {
      const request = { model: 'tiny-embedder', input: TEXTS, ...(encoding_format && { encoding_format }) }
      const { data, usage, model } = await client.embeddings.create(request)
      expect(data.map(({ index }) => index)).toEqual([0, 1, 2, 3])
      for (const [at, { embedding }] of data.entries()) {
        const bytes = embedding as unknown
        const found =
          typeof bytes === 'string'
            ? new Float32Array(new Uint8Array(Buffer.from(bytes, 'base64')).buffer)
            : Float32Array.from(embedding)
        expectClose(found, expected[at]!, CLOSE)
      }
      expect([model, usage.prompt_tokens]).toEqual(['tiny-embedder', Buffer.byteLength(TEXTS.join(''))])
    }
  })

  test('numbers and base64 are the same float32 numbers, and a request that comes with others gets its own', async () => {
    const { post } = await start()
    const answers = await Promise.all(
      Array.from({ length: 40 }, async (_, i) => {
        const input = [`text ${i}`, 'x'.repeat(i % 13)].filter((text) => text !== '')
        const [float, base64] = await Promise.all([post({ input }), post({ input, encoding_format: 'base64' })])
        return { input, float, base64 }
      }),
    )
    const { json } = await post({ input: answers.map(({ input }) => input[0]!) })
    for (const [at, { float, base64 }] of answers.entries()) {
      const decoded = base64.json.data.map(
        ({ embedding }: Json) => new Float32Array(new Uint8Array(Buffer.from(embedding, 'base64')).buffer),
      )
      for (const [row, vector] of numbers(float.json).entries()) expectClose(vector, decoded[row], CLOSE)
      expectClose(numbers(float.json)[0]!, numbers(json)[at]!, CLOSE)
    }
  })

  test('token ids are read as they are: those of the text give its vector', async () => {
    const { post } = await start()
    const ids = [...Buffer.from('a cat')]
    const [text, one, list] = await Promise.all([
      post({ input: 'a cat' }),
      post({ input: ids }),
      post({ input: [ids, ids] }),
    ])
    for (const { json } of [one, list]) expectClose(numbers(json)[0]!, numbers(text.json)[0]!, CLOSE)
    expect(list.json.data).toHaveLength(2)
  })

  test('dimensions are the first numbers, with length 1', async () => {
    const { post, vectorsOf } = await start()
    const [whole] = await vectorsOf(['a cat'])
    const { json } = await post({ input: 'a cat', dimensions: 5 })
    const first = whole!.slice(0, 5)
    const length = Math.hypot(...first)
    expectClose(
      numbers(json)[0]!,
      first.map((value) => value / length),
      CLOSE,
    )
  })

  test('a longer text is refused by name and length, or cut off where that is asked for', async () => {
    const { post, vectorsOf } = await start()
    const long = 'ab '.repeat(100)
    const refused = await post({ input: ['a', long] })
    expect(refused.status).toBe(400)
    expect(refused.json.error).toMatchObject({ code: 'context_length_exceeded', param: 'input[1]' })
    expect(refused.json.error.message).toBe(
      "'input[1]' has 300 tokens, and tiny-embedder reads at most 64. Send shorter texts, or truncate_prompt_tokens.",
    )
    for (const [most, kept] of [
      [-1, 64],
      [9, 9],
    ] as const) {
      const { json } = await post({ input: long, truncate_prompt_tokens: most })
      const [expected] = await vectorsOf([long.slice(0, kept)])
      expectClose(numbers(json)[0]!, expected!, CLOSE)
      expect(json.usage.prompt_tokens).toBe(kept)
    }
  })

  test('what cannot be embedded is refused by its name', async () => {
    const { post } = await start()
    const refusals: readonly [Json, number, string, string][] = [
      [
        { input: 'a', model: 'fake' },
        404,
        'model_not_found',
        "The model 'fake' makes no embeddings here. Served: tiny-embedder.",
      ],
      [{ input: [] }, 400, 'invalid_value', "'input': expected 1 to 2048 inputs, got none."],
      [{}, 400, 'missing_parameter', "Missing parameter: 'input'."],
      [{ input: ['a', ''] }, 400, 'invalid_value', "'input[1]': expected a text with at least one token, got none."],
      [{ input: [[5, 260]] }, 400, 'invalid_value', "'input[0]': expected token ids of tiny-embedder, got 260."],
      [
        { input: 'a', dimensions: 17 },
        400,
        'invalid_value',
        "'dimensions': expected at most 16, which is what tiny-embedder has, got 17.",
      ],
      [
        { input: 'a', truncate_prompt_tokens: 65 },
        400,
        'invalid_value',
        "'truncate_prompt_tokens': expected at most 64, which is what tiny-embedder reads, got 65.",
      ],
      [
        { input: 'a', input_type: 'query' },
        400,
        'unsupported_parameter',
        "'input_type': this parameter is not supported here.",
      ],
    ]
    for (const [body, ...expected] of refusals) {
      const { status, json } = await post(body)
      expect([status, json.error?.code, json.error?.message]).toEqual(expected)
    }
  })

  test('null and empty values are defaults, and labels are accepted', async () => {
    const { post } = await start()
    const body = { input: 'a cat', model: '', dimensions: null, encoding_format: null, user: 'u', metadata: { a: 'b' } }
    expect((await post(body)).status).toBe(200)
  })

  test('of several embedders the model chooses; all are listed, and /version says how they run', async () => {
    const { server, post, client, vectorsOf } = await start({}, ['first', 'second'])
    for (const [at, model] of ['first', 'second'].entries()) {
      const [expected] = await vectorsOf(['a cat'], at)
      expectClose(numbers((await post({ model, input: 'a cat' })).json)[0]!, expected!, CLOSE)
    }
    expect((await client.models.list()).data.map(({ id }) => id)).toEqual(['fake', 'first', 'second'])
    const described: Json = await client.models.retrieve('second')
    expect(described).toMatchObject({ max_model_len: 64, mneme: { embedding_width: TINY_EMBEDDER.width } })
    const version: Json = await (await fetch(`${server.url}/version`)).json()
    expect(version.embedders).toHaveLength(2)
    expect(version.embedders[0].runtime).toMatch(/^onnxruntime \d/)
    expect(await (await fetch(`${server.url}/metrics`)).text()).toContain('mneme_embedding_tokens_total 10\n')
  })

  test('without an embedder the error says so, and an embedder writes no text', async () => {
    const { client } = await start({}, [])
    const error = await client.embeddings.create({ model: 'm', input: 'a' }).catch((e: unknown) => e)
    expect(error).toBeInstanceOf(APIError)
    expect((error as APIError).message).toContain('No embedder is served here: start the server with one.')
    const { client: other } = await start()
    const chat = other.chat.completions.create({ model: 'tiny-embedder', messages: [{ role: 'user', content: 'hi' }] })
    await expect(chat).rejects.toThrow("The model 'tiny-embedder' is not served here.")
  })

  test('a memory budget counts its weights, and refuses an embedder that has no room', async () => {
    const bundle = await loadBundle(await writeTinyEmbedder(temporaryFolder()))
    const source = embedderSource(bundle)
    const thread = {
      open: async () => ({ runtime: '', embed: async () => ({ vectors: [], tokens: 0 }) }),
      close: async () => {},
    }
    const config = configSchema.parse({})
    const budget = new MemoryBudget(source.bytes)
    await startEmbedders([source], thread, config, budget)
    expect([budget.used.weights, source.bytes]).toEqual([source.bytes, bundle.manifest.files['embedder.onnx']?.bytes])
    await expect(startEmbedders([source], thread, config, budget)).rejects.toThrow(
      `the embedder tiny-embedder needs ${source.bytes} bytes of memory, and --memory leaves 0. Allow more, or leave it out.`,
    )
  })
})
