import { spawnSync } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createModel } from '../../../models/registry.ts'
import { flatten } from '../../../models/spec.ts'
import { openText } from '../../../runtime/text.ts'
import { initialise } from '../../../trainer/backends/initialise.ts'
import { readSafetensors } from '../../../trainer/safetensors.ts'
import { scaffoldTorch } from '../../../trainer/scaffold/torch.ts'
import { configurations } from '../../models/configurations.ts'
import { expectSameBits } from '../../support/all-close.ts'

// That PyTorch computes the same with it is held by `npm run test:torch`, which needs PyTorch.

const tokenizer = join(import.meta.dirname, '..', '..', '..', 'trainer', 'tokenizer', 'keeper')
let folder: string
beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), 'mneme-scaffold-'))))
afterAll(() => rm(folder, { recursive: true }))

const trained = (model: (typeof configurations)[number]['model']) => ({
  model,
  weights: initialise(model.params, 1),
  config: { accumulate: 2, batch: 2, sequenceLength: 60 },
  folder: tokenizer,
  codec: openText(tokenizer),
  step: 0,
})
const python = process.env['MNEME_PYTHON'] ?? 'python3'
const withPython = spawnSync(python, ['--version']).status === 0
const withNumpy = spawnSync(python, ['-c', 'import numpy']).status === 0

test.each(configurations.filter(({ first }) => first))(
  '$name: a project with all weights under their paths',
  async ({ name, model }) => {
    const out = join(folder, name)
    const files = await scaffoldTorch(trained(model), out, { batch: 2, sequenceLength: 60 })
    expect(files).toContain('train.py')
    const { tensors } = await readSafetensors(join(out, 'model.safetensors'))
    for (const [path, data] of initialise(model.params, 1)) expectSameBits(tensors[path]!.data, data, path)
    const source = await readFile(join(out, 'model.py'), 'utf8')
    for (const [path] of flatten(model.state)) expect(source, 'each state goes in').toContain(`state['${path}']`)
    const config = JSON.parse(await readFile(join(out, 'deepspeed.json'), 'utf8')) as Record<string, unknown>
    expect(config).toMatchObject({ train_micro_batch_size_per_gpu: 2, gradient_accumulation_steps: 2 })
  },
)

test.runIf(withPython)('what is written is Python', async () => {
  const folders = (await readdir(folder)).map((name) => join(folder, name))
  expect(folders.length).toBeGreaterThan(5)
  const sources = folders.flatMap((at) => [join(at, 'model.py'), join(at, 'train.py')])
  const done = spawnSync(python, ['-m', 'py_compile', ...sources], { encoding: 'utf8' })
  expect(done.stderr).toBe('')
  expect(done.status).toBe(0)
})

test.runIf(withNumpy)('train.py maps the shards instead of loading them, and reads across their borders', async () => {
  const { model } = configurations.find((one) => one.name === 'delta')!
  const out = join(folder, 'shards')
  await scaffoldTorch(trained(model), out, { batch: 2, sequenceLength: 60 })
  const done = spawnSync(python, [join(import.meta.dirname, 'shards.py'), join(out, 'train.py')], { encoding: 'utf8' })
  expect(done.stderr).toBe('')
  expect(done.status).toBe(0)
})

test('a folder with files in it, and a length that does not divide into pieces, are refused', async () => {
  const { model } = configurations.find((one) => one.name === 'rsm')!
  const full = join(folder, 'full')
  await scaffoldTorch(trained(model), full, { batch: 2, sequenceLength: 60 })
  await writeFile(join(full, 'mine.txt'), 'mine')
  await expect(scaffoldTorch(trained(model), full, { batch: 2, sequenceLength: 60 })).rejects.toThrow(
    /expected a new or empty folder/,
  )
  await expect(scaffoldTorch(trained(model), join(folder, 'odd'), { batch: 2, sequenceLength: 61 })).rejects.toThrow(
    '--sequence-length: expected a multiple of 5 for rsm, got 61',
  )
})

test('a model that compares texts is refused: train.py predicts tokens', async () => {
  const model = createModel('sentence', { vocab: 260, width: 32 })
  await expect(
    scaffoldTorch(trained(model), join(folder, 'sentence'), { batch: 3, sequenceLength: 8 }),
  ).rejects.toThrow(
    'scaffold: expected a model that predicts tokens, got sentence: train.py has no labels of whole texts',
  )
})
