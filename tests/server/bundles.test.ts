import { expect, onTestFinished, test } from 'vitest'
import { loadBundle } from '../../runtime/bundle.ts'
import { DEFAULT_BUNDLE, modelSource, storeOf, verifyOf } from '../../server/cli.ts'
import { configSchema } from '../../server/config.ts'
import { startServer } from '../../server/serve.ts'
import { writeAttentionBundle } from '../support/attention-bundle.ts'
import { temporaryFolder } from '../support/temporary.ts'
import type { Json } from '../support/test-server.ts'
import { writeTinyBundle } from '../support/tiny-bundle.ts'

test('conversations with bundles that take turns in memory are those of bundles that stay there', async () => {
  const folders = [await writeAttentionBundle(temporaryFolder()), await writeTinyBundle(temporaryFolder(), 'delta')]
  const names = ['attention', 'delta']
  const serve = async (memory: number | undefined) => {
    const settings = { port: 0, data: temporaryFolder(), logLevel: 'silent', drainTimeout: 1, threads: 1, maxBatch: 2 }
    const config = configSchema.parse({ ...settings, memory })
    const bundles = await Promise.all(folders.map((folder) => loadBundle(folder)))
    const sources = bundles.map((bundle) => modelSource(bundle, config))
    const server = await startServer(config, { models: sources, embedders: [] }, { store: storeOf(config) })
    onTestFinished(() => server.stop())
    return { ...server, sources }
  }
  const all = await serve(undefined)
  const needed = all.sources.map(({ memory }) => memory.weights + memory.idle)
  // Both models do not fit; one does, with a conversation. Three sixteenths are for states that are kept.
  const small = await serve(Math.floor(((needed[0]! + needed[1]!) * 16) / 13) - 1000)
  const converse = async (url: string): Promise<Json[]> => {
    const last: Record<string, string> = {}
    const turns: Json[] = []
    for (const model of ['attention', 'delta', 'delta', 'attention', 'delta', 'attention']) {
      const mneme = { seed: 1, logit_bias: { 259: -100 } }
      const body = {
        model,
        input: `hello ${turns.length}`,
        max_output_tokens: 12,
        mneme,
        previous_response_id: last[model],
      }
      const headers = { 'content-type': 'application/json' }
      const answer = await fetch(`${url}/v1/responses`, { method: 'POST', headers, body: JSON.stringify(body) })
      const response: Json = await answer.json()
      expect([answer.status, response.error]).toEqual([200, null])
      const { data }: Json = await (await fetch(`${url}/v1/models`)).json()
      const loaded = data.filter((one: Json) => one.mneme.loaded).map(({ id }: Json) => id)
      expect(loaded).toEqual(url === small.url ? [model] : names)
      last[model] = response.id
      turns.push({ output: response.output[0].content, usage: response.usage })
    }
    return turns
  }
  const turns = await converse(small.url)
  expect(turns).toEqual(await converse(all.url))
  for (const { usage } of turns.slice(2))
    expect(usage.mneme).toMatchObject({ resumed_from: 'memory', tokens_replayed: 0 })
})

test('replies are checked with quote where every model says what it answers from', async () => {
  const [keeper, other] = [
    await loadBundle(DEFAULT_BUNDLE),
    await loadBundle(await writeTinyBundle(temporaryFolder(), 'delta')),
  ]
  const notes = { manifest: { ...other.manifest, generation: { answers_from: 'notes' as const } } }
  expect([[keeper], [keeper, notes], [other], [keeper, other]].map(verifyOf)).toEqual([
    'quote',
    'quote',
    'annotate',
    'annotate',
  ])
})
