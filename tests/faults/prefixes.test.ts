/** Kept prefixes of prompts and processes that end. */
import { describe, expect, onTestFinished, test } from 'vitest'
import { editDatabase } from '../support/edit-database.ts'
import { startFakeServer, type ServerProcess } from '../support/process.ts'
import { temporaryFolder } from '../support/temporary.ts'
import type { Json } from '../support/test-server.ts'

async function start(folder: string, keys: readonly string[] = []): Promise<ServerProcess> {
  const server = await startFakeServer({ flags: { data: folder, apiKeys: keys }, environment: { FAKE_APPEND: '1' } })
  onTestFinished(async () => {
    server.child.kill('SIGKILL')
    await server.exited
  })
  return server
}

const messages = [
  { role: 'system', content: 'You never forget what you were told. '.repeat(6) },
  { role: 'user', content: 'hello' },
]
const chat = { model: 'fake', messages, max_tokens: 12, seed: 3 }

async function ask(server: ServerProcess, body: Json): Promise<Json> {
  const answer = await server.post('/v1/chat/completions', body)
  expect(answer.status).toBe(200)
  return answer.json()
}

const cachedOf = ({ usage }: Json): number => usage.prompt_tokens_details.cached_tokens
const next = (first: Json): Json => ({
  ...chat,
  messages: [...messages, first.choices[0].message, { role: 'user', content: 'go on' }],
})

describe('a conversation that is sent whole', () => {
  test.each<[string, Json, NodeJS.Signals]>([
    ['with store: true, after kill -9', { store: true }, 'SIGKILL'],
    ['with prompt_cache_retention: 24h, after kill -9', { prompt_cache_retention: '24h' }, 'SIGKILL'],
    ['with prompt_cache_retention: 24h, after a restart', { prompt_cache_retention: '24h' }, 'SIGTERM'],
  ])('is found again %s, and goes on as if nothing had happened', async (_, asked, signal) => {
    const folder = temporaryFolder()
    const before = await start(folder)
    const first = await ask(before, { ...chat, ...asked })
    before.child.kill(signal)
    await before.exited
    const after = await start(folder)
    const second = await ask(after, next(first))
    expect(cachedOf(second)).toBe(first.usage.total_tokens - 1)
    const uninterrupted = await start(temporaryFolder())
    const same = await ask(uninterrupted, next(await ask(uninterrupted, chat)))
    expect(second.choices).toEqual(same.choices)
    expect(second.usage).toEqual(same.usage)
  })

  test('with a damaged page is computed again, told, and found after the next restart', async () => {
    const folder = temporaryFolder()
    const stop = async (server: ServerProcess): Promise<void> => {
      server.child.kill('SIGKILL')
      await server.exited
    }
    const before = await start(folder)
    const first = await ask(before, { ...chat, store: true })
    await stop(before)
    editDatabase(folder, 'UPDATE prefix_page SET bytes = zeroblob(length(bytes)) WHERE previous IS NULL')
    const after = await start(folder)
    const second = await ask(after, { ...next(first), store: true })
    expect(cachedOf(second)).toBe(0)
    expect(after.stderr()).toMatch(/a kept prefix of prompts is not what was written/)
    expect(await (await fetch(`${after.url}/metrics`)).text()).toMatch(/^mneme_damage_found_total\{what="prefix"\} \d/m)
    await stop(after)
    const third = await ask(await start(folder), next(first))
    expect(cachedOf(third)).toBe(second.usage.prompt_tokens - 1)
    expect(third.choices).toEqual(second.choices)
  })

  test('that asks for nothing leaves nothing on disk', async () => {
    const folder = temporaryFolder()
    const before = await start(folder)
    const first = await ask(before, { ...chat, store: false })
    expect(await (await fetch(`${before.url}/metrics`)).text()).toMatch(/^mneme_prefix_cache_disk_bytes 0$/m)
    before.child.kill('SIGKILL')
    await before.exited
    expect(cachedOf(await ask(await start(folder), next(first)))).toBe(0)
  })

  test('is gone from memory and disk once its owner has dropped it', async () => {
    const folder = temporaryFolder()
    const before = await start(folder)
    const first = await ask(before, { ...chat, store: true })
    expect((await before.post('/reset_prefix_cache', {})).status).toBe(200)
    const again = await ask(before, { ...next(first), store: false })
    expect(cachedOf(again)).toBe(0)
    before.child.kill('SIGKILL')
    await before.exited
    expect(cachedOf(await ask(await start(folder), next(first)))).toBe(0)
  })
})
