import { spawn } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import OpenAI from 'openai'
import { describe, expect, onTestFinished, test } from 'vitest'
import { compiled } from '../support/build.ts'
import { editDatabase } from '../support/edit-database.ts'
import { listening, type ServerProcess } from '../support/process.ts'
import { temporaryFolder } from '../support/temporary.ts'
import { TINY, writeTinyBundle, type Tiny } from '../support/tiny-bundle.ts'

const bin = compiled('clients/cli/bin.js')

async function serve(args: readonly string[], environment: Record<string, string> = {}): Promise<ServerProcess> {
  const all = [bin, 'serve', ...args, '--port', '0', '--log-level', 'info']
  const server = await listening(
    spawn(process.execPath, all, { env: { ...process.env, ...environment }, stdio: 'pipe' }),
  )
  onTestFinished(async () => {
    server.child.kill('SIGKILL')
    await server.exited
  })
  return server
}

async function bundle(architecture: Tiny): Promise<string> {
  const folder = join(temporaryFolder(), architecture)
  mkdirSync(folder)
  return writeTinyBundle(folder, architecture)
}

const clientOf = ({ url }: ServerProcess): OpenAI => new OpenAI({ apiKey: 'any', baseURL: `${url}/v1`, maxRetries: 0 })

/** `count` turns after `previous`; the texts and the last id. */
async function converse(server: ServerProcess, model: string, count: number, previous: string | null = null) {
  const texts: string[] = []
  let previous_response_id = previous
  for (let i = 0; i < count; i++) {
    const mneme = { seed: i }
    const body = { model, input: `turn ${i}, `.repeat(12), previous_response_id, max_output_tokens: 10, mneme }
    const response = await clientOf(server).responses.create(body as OpenAI.Responses.ResponseCreateParamsNonStreaming)
    texts.push(response.output_text)
    previous_response_id = response.id
  }
  return { texts, last: previous_response_id as string }
}

describe('a bundle served by a process', () => {
  test.each(Object.keys(TINY) as Tiny[])(
    '%s goes on after kill -9 with the bytes of an uninterrupted conversation',
    async (model) => {
      const folder = await bundle(model)
      const data = temporaryFolder()
      const first = await serve([folder, '--data', data])
      const before = await converse(first, model, 3)
      first.child.kill('SIGKILL')
      await first.exited
      const second = await serve([folder, '--data', data])
      const after = await converse(second, model, 2, before.last)
      const whole = await serve([folder, '--data', temporaryFolder()])
      const start = await converse(whole, model, 3)
      const rest = await converse(whole, model, 2, start.last)
      expect([...before.texts, ...after.texts]).toEqual([...start.texts, ...rest.texts])
    },
  )

  test('a pruned or corrupted memory is rebuilt to the same bytes; one that cannot be is said, and others go on', async () => {
    const folder = await bundle('delta')
    const data = temporaryFolder()
    const first = await serve([folder, '--data', data, '--keep-states', '1'])
    const { last } = await converse(first, 'delta', 4)
    const expected = await converse(first, 'delta', 1, last)
    const other = await converse(first, 'delta', 1)
    first.child.kill('SIGTERM')
    expect(await first.exited).toBe(0)
    editDatabase(data, 'UPDATE state SET fixed = zeroblob(length(fixed)) WHERE id = ?', last)
    const second = await serve([folder, '--data', data])
    expect((await converse(second, 'delta', 1, last)).texts).toEqual(expected.texts)
    second.child.kill('SIGTERM')
    await second.exited
    editDatabase(data, 'DELETE FROM response WHERE depth = 0 AND id <> ?', other.last)
    editDatabase(data, 'UPDATE state SET fixed = zeroblob(length(fixed)) WHERE id <> ?', other.last)
    const third = await serve([folder, '--data', data])
    await expect(converse(third, 'delta', 1, last)).rejects.toMatchObject({ status: 500, code: 'checkpoint_lost' })
    expect((await converse(third, 'delta', 1, other.last)).texts).toHaveLength(1)
  })

  test('several bundles are served side by side, and a memory stays with its own', async () => {
    const server = await serve([await bundle('delta'), await bundle('vanilla'), '--data', temporaryFolder()])
    const { last } = await converse(server, 'delta', 1)
    expect((await converse(server, 'vanilla', 1)).texts).toHaveLength(1)
    await expect(converse(server, 'vanilla', 1, last)).rejects.toMatchObject({ status: 400, code: 'model_mismatch' })
    const { models } = (await (await fetch(`${server.url}/version`)).json()) as {
      models: { name: string; runtime: string }[]
    }
    expect(models.map(({ name }) => name)).toEqual(['delta', 'vanilla'])
    expect(models[0]?.runtime).toMatch(/^onnxruntime 1\.\d+\.\d+, c-api, cpu, \d+ threads? \(measured, /)
  })

  test('the plain binding of ONNX Runtime gives the same text', async () => {
    const folder = await bundle('delta')
    const [direct, plain] = [
      await serve([folder, '--data', temporaryFolder()]),
      await serve([folder, '--data', temporaryFolder()], { MNEME_RUNTIME: 'binding' }),
    ]
    expect((await converse(plain, 'delta', 2)).texts).toEqual((await converse(direct, 'delta', 2)).texts)
    expect(plain.stderr()).toContain('onnxruntime-node')
  })

  test('a corrupted bundle, a missing one and a wrong option are refused in one sentence', async () => {
    const folder = await bundle('delta')
    const file = join(folder, 'decoder.onnx')
    const bytes = readFileSync(file)
    bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 1
    writeFileSync(file, bytes)
    const refused = await serve([folder, '--data', temporaryFolder()]).catch((error: unknown) => error)
    expect(refused).toMatchObject({
      code: 1,
      message: expect.stringMatching(/^mneme: .*decoder\.onnx: expected sha256 /) as unknown,
    })
    const wrong = await serve(['--colour', 'red']).catch((error: unknown) => error)
    expect(wrong).toMatchObject({ code: 2, message: expect.stringContaining('--colour') as unknown })
    const missing = await serve([join(folder, 'nowhere')]).catch((error: unknown) => error)
    expect(missing).toMatchObject({ code: 1, message: expect.stringMatching(/expected a bundle folder/) as unknown })
    expect((refused as Error).message.trim().split('\n')).toHaveLength(1)
  })
})
