import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { TelemetryResult } from '../../../../trainer/evaluate/telemetry/telemetry.ts'

const folder = mkdtempSync(join(tmpdir(), 'mneme-telemetry-'))
afterAll(() => rmSync(folder, { recursive: true }))
const [run, text] = [join(folder, 'run'), join(folder, 'text.txt')]
/** Several processes in a row, on a machine that may be busy. */
const patience = 240_000

/** The command as a user runs it. */
const mneme = (...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> =>
  new Promise((resolve) => {
    execFile(process.execPath, ['clients/cli/bin.js', ...args], (error, stdout, stderr) => {
      resolve({ code: error ? Number(error.code) : 0, stdout, stderr })
    })
  })

beforeAll(async () => {
  writeFileSync(text, 'the cat sat on the mat and the dog sat on the cat. '.repeat(100))
  const settings = ['model={"width":16,"layers":1,"heads":2,"slots":4,"chunk":16}', 'batch=2', 'sequenceLength=32']
  const set = settings.flatMap((setting) => ['--set', setting])
  const done = await mneme('train', 'rsm', '--data', text, '--steps', '5', '--out', run, '--threads', '1', ...set)
  expect(done.stderr).toContain('rsm')
  expect(done.code).toBe(0)
}, patience)

test(
  'a checkpoint trained for a few steps has telemetry as table, JSON and picture',
  { timeout: patience },
  async () => {
    const [json, picture] = [join(folder, 't.json'), join(folder, 't.svg')]
    const sizes = ['--tokens', '64', '--episodes', '20']
    const done = await mneme('eval', 'telemetry', '--model', run, ...sizes, '--json', json, '--picture', picture)
    // TensorFlow.js calls what Node 24 deprecates
    expect(done.stderr.replace(/^\(.*(?:DeprecationWarning|--trace-deprecation).*\n?/gm, '')).toBe('')
    expect(done.code).toBe(0)
    const { subject, ...found } = JSON.parse(readFileSync(json, 'utf8')) as TelemetryResult & { subject: object }
    expect(subject).toMatchObject({ model: run, architecture: 'rsm' })
    const memory = found.memories.find(({ path }) => path === 'memory')!
    expect(memory.shape).toEqual([4, 16])
    // 64 tokens are 4 chunks of 16
    expect(memory.updateRate).toBe(4 / 64)
    expect(memory.effectiveRank).toBeGreaterThan(1)
    expect(memory.effectiveRank).toBeLessThanOrEqual(4)
    expect(memory.retention.slots).toBe(4)
    expect(memory.retention.curve[0]).toEqual({ at: 0, value: 1 })
    expect(memory.probes.map(({ after, decoded }) => [after, decoded.asked])).toEqual([
      [0, 4],
      [16, 4],
      [64, 4],
    ])
    expect(done.stdout).toContain('| memory | 4 x 16 | 6.3 |')
    expect(readFileSync(picture, 'utf8')).toMatch(
      /^<svg[\s\S]*<title>rsm: [\s\S]*guess of 4[\s\S]*left of the write[\s\S]*effective rank/,
    )
  },
)

test('a text file is observed instead where there is one', { timeout: patience }, async () => {
  const args = ['--data', text, '--tokens', '32', '--episodes', '20', '--json']
  const done = await mneme('eval', 'telemetry', '--model', run, ...args)
  expect(JSON.parse(done.stdout)).toMatchObject({ source: 'file', tokens: 32 })
})

test('what cannot be observed is refused in one sentence', { timeout: patience }, async () => {
  writeFileSync(join(folder, 'manifest.json'), '{}')
  const bundle = await mneme('eval', 'telemetry', '--model', folder)
  expect(bundle.stderr).toContain('telemetry observes a checkpoint or a run; the graph of a bundle shows no taps')
  const few = await mneme('eval', 'telemetry', '--model', run, '--episodes', '3')
  expect(few.stderr).toContain('Expected a whole number above 19.')
  const server = await mneme('eval', 'telemetry', '--url', 'http://x')
  expect(server.stderr).toContain('expected --model, a checkpoint or a run')
  for (const { code } of [bundle, few, server]) expect(code).not.toBe(0)
})
