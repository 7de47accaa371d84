/** The mean of the weights of several runs. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeEach, expect, test } from 'vitest'
import { ConfigError } from '../../../models/config.ts'
import { createTensor, type Tensor } from '../../../runtime/tensor.ts'
import type { JsonValue } from '../../../trainer/data/batch.ts'
import { averageRuns } from '../../../trainer/run/average.ts'
import { loadCheckpoint, saveCheckpoint } from '../../../trainer/run/checkpoint.ts'

const folders: string[] = []
const folder = async (): Promise<string> => {
  const made = await mkdtemp(join(tmpdir(), 'mneme-average-'))
  folders.push(made)
  return made
}
let tokenizer = ''
beforeEach(async () => {
  tokenizer = await folder()
  for (const file of ['tokenizer.json', 'tokenizer_config.json']) await writeFile(join(tokenizer, file), '{}')
})
afterAll(() => Promise.all(folders.map((made) => rm(made, { recursive: true }))))

function vector(...values: readonly number[]): Tensor {
  const tensor = createTensor('float32', [values.length])
  tensor.data.set(values)
  return tensor
}

async function runOf(weights: Readonly<Record<string, Tensor>>, model: JsonValue = { width: 2 }): Promise<string> {
  const run = await folder()
  const state = { config: { architecture: 'delta', model } }
  const moments = { 'first.a': vector(1) }
  await saveCheckpoint(run, { step: 7, state, model: weights, optimizer: moments, carry: {} }, { tokenizer })
  return run
}

test('each weight is the mean of those of the runs, and the tokenizer is theirs', async () => {
  const runs = [
    await runOf({ a: vector(1, 2), b: vector(-3) }),
    await runOf({ a: vector(3, 2), b: vector(0) }),
    await runOf({ a: vector(5, 2), b: vector(0) }),
  ]
  const out = await averageRuns(runs, await folder())
  const { step, state, model, optimizer } = await loadCheckpoint(out)
  expect([...model['a']!.data, ...model['b']!.data].map(Number)).toEqual([3, 2, -1])
  expect(step).toBe(7)
  expect(state['averageOf']).toEqual(runs)
  expect(optimizer).toEqual({})
  expect(await readFile(join(out, 'tokenizer.json'), 'utf8')).toBe('{}')
})

test('runs of other models, with other tokenizers, and one alone are refused by name', async () => {
  const run = await runOf({ a: vector(1, 2) })
  const wider = await runOf({ a: vector(1, 2, 3) }, { width: 3 })
  await writeFile(join(tokenizer, 'tokenizer.json'), '{"other":1}')
  const other = await runOf({ a: vector(1, 2) })
  const out = await folder()
  await expect(averageRuns([run, wider], out)).rejects.toThrow(
    `${join(wider, 'last')}: expected the model of ${join(run, 'last')}, {"width":2}, got {"width":3}`,
  )
  await expect(averageRuns([run, other], out)).rejects.toThrow('its tokenizer.json is another')
  await expect(averageRuns([run], out)).rejects.toThrow(ConfigError)
})
