import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { describe, expect, test } from 'vitest'
import { loadBundle } from '../../../runtime/bundle.ts'
import { openGraph } from '../../../runtime/open-graph.ts'
import { memoryOf, sequenceBytes, tokensWithin } from '../../../server/engine/model-memory.ts'
import { createOrtRunner } from '../../../server/engine/ort-runner.ts'
import type { Row, Runner } from '../../../server/engine/runner.ts'
import { writeAttentionBundle } from '../../support/attention-bundle.ts'
import { temporaryFolder } from '../../support/temporary.ts'
import { writeTinyBundle } from '../../support/tiny-bundle.ts'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

const ROWS = 8
/** Ids of calls and positions, which are not counted. */
const SMALL = 64 * 1024

/** Bytes of the arrays that are in use. */
async function arrays(): Promise<number> {
  for (let round = 0; round < 3; round++) {
    collect()
    await new Promise((resolve) => setImmediate(resolve))
  }
  return process.memoryUsage().arrayBuffers
}

async function open(write: (folder: string) => Promise<string>) {
  const bundle = await loadBundle(await write(temporaryFolder()))
  const before = await arrays()
  const graph = await openGraph(bundle.path('decoder.onnx'), { threads: 1 })
  const runner = createOrtRunner(bundle, graph, ROWS)
  return { runner, memory: memoryOf(bundle.manifest, ROWS), taken: async () => (await arrays()) - before }
}

/** Feeds a prompt, and makes of it a sequence that decodes. */
async function begin(runner: Runner, tokens: number): Promise<Row> {
  const slot = runner.open('', null, 0)
  const ids = Array.from({ length: tokens }, (_, i) => i % 250)
  for (let at = 0; at < tokens; at += runner.prefillChunk)
    await runner.step([{ row: slot, ids: ids.slice(at, at + runner.prefillChunk), use: 'prefill', logits: 'last' }])
  const state = runner.save(slot, 0)
  runner.release(slot)
  return runner.open('', state, tokens)
}

describe.each([
  ['a state that grows', writeAttentionBundle],
  ['a state of fixed size', (folder: string) => writeTinyBundle(folder, 'delta')],
])('the memory that is promised for %s', (_, write) => {
  test('is enough for what is computed, and is given back', async () => {
    const { runner, memory, taken } = await open(write)
    expect(await taken()).toBeLessThanOrEqual(memory.idle + SMALL)
    const rows: { row: Row; tokens: number }[] = []
    for (const tokens of [10, 300, 300, 600, 600, 600, 1100, 5]) {
      const row = await begin(runner, tokens)
      rows.push({ row, tokens })
      await runner.step(rows.map((one) => ({ row: one.row, ids: [1], use: 'decode', logits: 'last' })))
      for (const one of rows) one.tokens++
      const promised = rows.reduce((sum, one) => sum + sequenceBytes(memory, one.tokens), memory.idle)
      expect(await taken()).toBeLessThanOrEqual(promised + SMALL)
    }
    while (rows.length > 0) {
      runner.release(rows.shift()!.row)
      const promised = rows.reduce((sum, one) => sum + sequenceBytes(memory, one.tokens), memory.idle)
      expect(await taken()).toBeLessThanOrEqual(promised + SMALL)
    }
    runner.close()
  })
})

test('memory for the tokens that are known to come is set aside at once, and grows no more', async () => {
  const { runner, memory, taken } = await open(writeAttentionBundle)
  const feed = (row: Row) =>
    runner.step([{ row, ids: Array.from({ length: 100 }, (_, i) => i), use: 'prefill', logits: 'last' }])
  await feed(runner.open('', null, 0)) // makes the buffers of such calls
  const row = runner.open('', null, 0, null, 600)
  const before = await taken()
  for (let at = 0; at < 600; at += 100) await feed(row)
  expect(Math.abs((await taken()) - before)).toBeLessThanOrEqual(SMALL)
  expect(before).toBeLessThanOrEqual(memory.idle + sequenceBytes(memory, 100) + sequenceBytes(memory, 600) + SMALL)
  runner.close()
})

describe('how many tokens memory is enough for', () => {
  const memory = { weights: 0, idle: 0, perSequence: 100, perPosition: 10 }

  test('is the longest sequence that fits', () => {
    expect(tokensWithin(memory, 100 + 2559)).toBe(0)
    expect(tokensWithin(memory, 100 + 2560)).toBe(256)
    expect(tokensWithin(memory, 100 + 5120)).toBe(512)
    for (const bytes of [3000, 10_000, 123_456]) {
      const tokens = tokensWithin(memory, bytes)!
      expect(sequenceBytes(memory, tokens)).toBeLessThanOrEqual(bytes)
      expect(sequenceBytes(memory, tokens + 1)).toBeGreaterThan(bytes)
    }
  })

  test('has no end where the state does not grow', () => {
    expect(tokensWithin({ ...memory, perPosition: 0 }, 100)).toBeNull()
    expect(tokensWithin({ ...memory, perPosition: 0 }, 99)).toBe(0)
  })
})
