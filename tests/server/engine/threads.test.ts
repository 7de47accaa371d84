import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openModel } from '../../../server/engine/open-model.ts'
import type { Runner } from '../../../server/engine/runner.ts'
import { writeAttentionBundle } from '../../support/attention-bundle.ts'
import { writeTinyBundle } from '../../support/tiny-bundle.ts'

const keeper = fileURLToPath(new URL('../../../models/pretrained/keeper', import.meta.url))
const folders: string[] = []
const make = (write: (folder: string) => Promise<string>): Promise<string> => {
  folders.push(mkdtempSync(join(tmpdir(), 'mneme-')))
  return write(folders.at(-1) as string)
}
afterAll(() => folders.forEach((folder) => rmSync(folder, { recursive: true })))

/** The threads of this process. */
const threadsNow = (): ReadonlySet<string> => new Set(readdirSync('/proc/self/task'))
/** Node starts threads of its own at any time, so these are at least a model's. */
const startedSince = (before: ReadonlySet<string>): number => [...threadsNow()].filter((id) => !before.has(id)).length

/** Logits and states of a long prompt and of replies that decode together. */
async function compute(runner: Runner): Promise<unknown[]> {
  const results: unknown[] = []
  const run = async (segments: Parameters<Runner['step']>[0]): Promise<void> => {
    for (const result of await runner.step(segments))
      results.push('logits' in result ? result.logits.slice() : result.error)
  }
  const slot = runner.open('', null, 0)
  const ids = Array.from({ length: runner.prefillChunk }, (_, i) => (i * 37) % 250)
  for (let chunk = 0; chunk < 3; chunk++) await run([{ row: slot, ids, use: 'prefill', logits: 'last' }])
  const rows = [0, 1, 2, 3].map(() => runner.open('', runner.save(slot, 0), 3 * runner.prefillChunk))
  for (let step = 0; step < 6; step++)
    await run(rows.map((row, i) => ({ row, ids: [step + 10 * i], use: 'decode', logits: 'last' })))
  return [...results, ...rows.map((row) => runner.save(row, 0))]
}

const linux = process.platform === 'linux'

describe('threads of a model', () => {
  // ONNX Runtime itself starts some with the first model.
  beforeAll(async () =>
    (await openModel({ bundle: keeper, threads: 2, rows: 1, device: 'cpu', residentBytes: 0 })).runner.close(),
  )

  test.each<[string, () => Promise<string>]>([
    ['keeper', async () => keeper],
    ['attention', () => make(writeAttentionBundle)],
    ['rsm', () => make((folder) => writeTinyBundle(folder, 'rsm'))],
    ['smt', () => make((folder) => writeTinyBundle(folder, 'smt'))],
    ['nmt', () => make((folder) => writeTinyBundle(folder, 'nmt'))],
    ['hmst', () => make((folder) => writeTinyBundle(folder, 'hmst'))],
  ])('%s computes the same bits with any number of them', async (_, write) => {
    const bundle = await write()
    const results: unknown[][] = []
    for (const threads of [1, 2, 4]) {
      const before = linux ? threadsNow() : new Set<string>()
      const { runner, runtime } = await openModel({ bundle, threads, rows: 4, device: 'cpu', residentBytes: 0 })
      // They are really there: the caller is one of them.
      if (linux) expect(startedSince(before)).toBeGreaterThanOrEqual(threads - 1)
      expect(runtime).toMatch(new RegExp(`, ${threads} threads? as given$`))
      results.push(await compute(runner))
      runner.close()
    }
    expect(results[1]).toEqual(results[0])
    expect(results[2]).toEqual(results[0])
  })

  test('are as many as a measurement finds fastest, and the runtime says which and why', async () => {
    const { runner, runtime } = await openModel({
      bundle: keeper,
      threads: null,
      rows: 4,
      device: 'cpu',
      residentBytes: 0,
    })
    expect(runtime).toMatch(/, \d+ threads? \(measured, ms a token: 1: \d+\.\d\d(, \d+: \d+\.\d\d)*\)$/)
    runner.close()
  })
})
