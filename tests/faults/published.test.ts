/** Published models with keys and values, killed and with damaged pages. */
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { KvDtype } from '../../exporter/kv-cache.ts'
import { loadBundle } from '../../runtime/bundle.ts'
import { stateBytes } from '../../runtime/manifest.ts'
import { PAGE_POSITIONS } from '../../server/checkpoint.ts'
import { compiled } from '../support/build.ts'
import { importByteModel } from '../support/byte-model.ts'
import { editDatabase, readRow } from '../support/edit-database.ts'
import { listening, type ServerProcess } from '../support/process.ts'
import { fixtures } from '../support/published.ts'
import { temporaryFolder } from '../support/temporary.ts'
import type { Json } from '../support/test-server.ts'

async function serve(bundle: string, data: string): Promise<ServerProcess> {
  const args = ['serve', bundle, '--data', data, '--port', '0', '--threads', '1', '--log-level', 'warn']
  const server = await listening(spawn(process.execPath, [compiled('clients/cli/bin.js'), ...args], { stdio: 'pipe' }))
  onTestFinished(() => kill(server))
  return server
}

async function kill(server: ServerProcess): Promise<void> {
  server.child.kill('SIGKILL')
  await server.exited
}

async function ask(server: ServerProcess, input: string, previous: string | null): Promise<Json> {
  const body = { input, previous_response_id: previous, max_output_tokens: 20, mneme: { seed: 1 } }
  const answer = await server.post('/v1/responses', body)
  expect(answer.status).toBe(200)
  return answer.json()
}

/** Longer than a page of 64 positions, and than a prefill call of 128 tokens. */
const inputs = ['There was a river. '.repeat(9), 'It runs past the mill. '.repeat(4), 'Why?']

describe.skipIf(!existsSync(fixtures))('a conversation with a published model', () => {
  test.each<[name: string, kv: KvDtype]>([
    ['llama', 'float32'],
    ['llama', 'int8'],
    ['qwen3_5', 'float32'],
    ['qwen3_5', 'float16'],
    ['granitemoehybrid', 'float32'],
    ['granitemoehybrid', 'int8'],
  ])(
    '(%s, keys and values in %s) goes on after kill -9, and with a damaged page, with the bits of one that nothing happened to',
    async (name, kv) => {
      const bundle = await importByteModel(name, temporaryFolder(), {}, kv)
      const [data, other] = [temporaryFolder(), temporaryFolder()]
      const before = await serve(bundle, data)
      const here: Json[] = []
      for (const input of inputs) here.push(await ask(before, input, here.at(-1)?.id ?? null))
      await kill(before)
      const uninterrupted = await serve(bundle, other)
      const there: Json[] = []
      for (const input of [...inputs, 'And then?'])
        there.push(await ask(uninterrupted, input, there.at(-1)?.id ?? null))
      // A fork of the last turn, whose pages are there: each turn adds one fixed part, and pages are stored once.
      await ask(uninterrupted, 'Why not?', there.at(-2).id)
      await kill(uninterrupted)
      const { pages, position, states, sizes, bytes } = readRow(
        other,
        `SELECT (SELECT count(*) FROM page) AS pages, (SELECT max(length(bytes)) FROM page) AS bytes,
           (SELECT max(position) FROM response) AS position,
           count(*) AS states, count(DISTINCT length(fixed)) AS sizes FROM state`,
      )
      expect([pages, states, sizes]).toEqual([Math.floor(Number(position) / PAGE_POSITIONS), there.length + 1, 1])
      const { manifest } = await loadBundle(bundle)
      const growing = manifest.state.filter(({ kind }) => kind === 'append')
      expect(growing.map(({ dtype }) => dtype)).toEqual(growing.map(() => kv))
      expect(bytes).toBe(PAGE_POSITIONS * growing.reduce((sum, entry) => sum + stateBytes(entry), 0))
      const after = await serve(bundle, data)
      const next = await ask(after, 'And then?', here[2].id)
      expect(next.usage.mneme).toMatchObject({ resumed_from: 'disk', rebuilt: null })
      expect([...here, next].map(({ output }) => output[0].content)).toEqual(
        there.map(({ output }) => output[0].content),
      )
      await kill(after)
      editDatabase(data, 'UPDATE page SET bytes = zeroblob(length(bytes)) WHERE previous IS NULL')
      const damaged = await serve(bundle, data)
      for (const [rebuilt, from] of [
        ['identical', 'replay'],
        [null, 'disk'],
      ]) {
        const again = await ask(damaged, 'And then?', here[2].id)
        expect(again.usage.mneme).toMatchObject({ resumed_from: from, rebuilt })
        expect(again.output[0].content).toEqual(next.output[0].content)
      }
      expect(damaged.stderr()).toMatch(/a stored state is not what was written/)
    },
  )
})
