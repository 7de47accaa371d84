import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { createModel } from '../../../models/registry.ts'
import { changedSettings } from '../../../trainer/recipes/changed-settings.ts'
import { prepare } from '../../../trainer/run/prepare.ts'
import { writeReport } from '../../../trainer/run/report.ts'
import { recipeWith } from '../../../trainer/recipes/settings.ts'
import { train } from '../../../trainer/run/train.ts'

const folder = mkdtempSync(join(tmpdir(), 'mneme-report-'))
afterAll(() => rmSync(folder, { recursive: true }))

let runs = 0

/** The report of one step of a small model that routes in this way. */
async function report(routing: string): Promise<string> {
  const text = join(folder, 'text.txt')
  writeFileSync(text, 'The keeper wrote down what it was told.\n'.repeat(40))
  const out = join(folder, `${routing}-${runs++}`)
  const model = { width: 16, layers: 1, heads: 2, hidden: 16, window: 8, rows: 16, memoryHeads: 2, routing }
  const settings = Object.entries(model).map(([key, value]) => `model.${key}=${JSON.stringify(value)}`)
  const recipe = recipeWith('moc', [
    ...settings,
    `data.files=["${text}"]`,
    'batch=2',
    'sequenceLength=16',
    'schedule.steps=1',
  ])
  const choices = {
    out,
    resume: false,
    backend: 'compiled',
    devices: [{ device: 'cpu', id: 0 }],
    threads: 1,
    report: () => {},
  } as const
  const { run, backend, parameters } = await prepare(recipe, choices)
  const outcome = await train(run, false).finally(() => backend.close())
  const { name, about } = recipe
  const facts = {
    name,
    about,
    parameters,
    backend: backend.description,
    data: run.data.description,
    notes: ['1 of 121 lines left out'],
    recipe,
    command: 'mneme train moc --steps 1',
    outcome,
    peakBytes: 2e9,
  }
  return readFileSync(await writeReport(out, facts), 'utf8')
}

test('a report shows a sample, but of a model that nobody can serve', async () => {
  expect(await report('token')).toContain('Sample')
  const unserved = await report('sequence')
  expect(unserved).toContain('| steps | 1 (done) |')
  expect(unserved).not.toContain('Sample')
})

test('a report has the command, what differs from the recipe, and what was left out', async () => {
  const text = await report('token')
  expect(text).toContain('```sh\nmneme train moc --steps 1\n```')
  expect(text).toContain('| most memory of the process | 2.0 GB |')
  expect(text).toContain('| `model.width` | `16` |')
  expect(text).toContain('| `sequenceLength` | `16` |')
  expect(text).not.toContain('optimizer.beta1')
  expect(text).toContain('- 1 of 121 lines left out')
})

test('what a continued run says of its model is no change: all options, the vocabulary of its tokenizer', () => {
  const recipe = recipeWith('delta', ['model.width=64'])
  const { config } = createModel('delta', { ...recipe.model, vocab: 300 })
  expect(changedSettings({ ...recipe, model: { ...config } })).toEqual([{ path: 'model.width', value: 64 }])
})
