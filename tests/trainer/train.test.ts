import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { spawn } from 'node:child_process'
import { afterAll, expect, test } from 'vitest'
import { DivergenceError } from '../../trainer/backend.ts'
import { loadCheckpoint } from '../../trainer/checkpoint.ts'
import { prepare } from '../../trainer/prepare.ts'
import { checkContinued, recipeWith } from '../../trainer/settings.ts'
import { type Metric, train } from '../../trainer/train.ts'
import { expectSameBits } from '../support/all-close.ts'

const folder = mkdtempSync(join(tmpdir(), 'mneme-train-'))
afterAll(() => rmSync(folder, { recursive: true }))

const text = join(folder, 'text.txt')
writeFileSync(
  text,
  Array.from({ length: 300 }, (_, i) => `line ${i} of ${(i * 7) % 13} words and ${(i * i) % 17} more\n`).join(''),
)

const small = [
  'model.width=16',
  'model.layers="ad"',
  'model.heads=2',
  'model.hidden=16',
  'model.window=8',
  'model.memoryHeads=2',
  'model.keys=8',
  'model.values=8',
  'model.dropout=0.1',
]
const settings = [
  ...small,
  `data.files=["${text}"]`,
  'batch=2',
  'time=16',
  'schedule.steps=12',
  'schedule.warmup=2',
  'evaluateEvery=4',
  'evaluateBatches=2',
  'checkpointEvery=5',
  'logEvery=1',
  'accumulate=2',
]

/** Trains in `name`; `stopAt` aborts after that many steps. */
async function run(name: string, more: readonly string[] = [], { stopAt = Infinity, resume = false } = {}) {
  const out = join(folder, name)
  const stopping = new AbortController()
  const metrics: Metric[] = []
  const report = (m: Metric): void => {
    metrics.push(m)
    if (m.step >= stopAt) stopping.abort()
  }
  const recipe = recipeWith('delta', [...settings, ...more])
  const prepared = await prepare(recipe, {
    out,
    resume,
    backend: 'compiled',
    device: 'cpu',
    threads: 1,
    report,
    signal: stopping.signal,
  })
  const outcome = await train(prepared.run, resume).finally(() => prepared.backend.close())
  return { out, outcome, metrics, config: prepared.run.config }
}

const losses = (out: string): unknown[] =>
  readFileSync(join(out, 'metrics.jsonl'), 'utf8')
    .trim()
    .split('\n')
    .map((line) => {
      const { tokensPerSecond: _, ...rest } = JSON.parse(line) as Metric
      return rest
    })

test('interrupted and resumed = uninterrupted, bit for bit: weights, moments, carried state, data, dropout, losses', async () => {
  const whole = await run('whole')
  await run('parts', [], { stopAt: 3 })
  await run('parts', [], { stopAt: 7, resume: true })
  const parts = await run('parts', [], { resume: true })
  const [a, b] = [await loadCheckpoint(join(whole.out, 'last')), await loadCheckpoint(join(parts.out, 'last'))]
  for (const group of ['model', 'optimizer', 'carry'] as const)
    for (const [name, t] of Object.entries(a[group]))
      expectSameBits(b[group][name]!.data as Float32Array, t.data as Float32Array, `${group} ${name}`)
  expect({ ...b.state }).toEqual({ ...a.state })
  expect(losses(parts.out)).toEqual(losses(whole.out))
  expect(whole.outcome).toMatchObject({ step: 12, reason: 'done' })
})

test('a run killed with -9 at any moment, a checkpoint being written or not, resumes to the same bits', async () => {
  const whole = await run('unkilled', ['checkpointEvery=1'])
  const out = join(folder, 'killed')
  for (let kill = 0; kill < 3; kill++) {
    const flags = [...settings, 'checkpointEvery=1'].flatMap((s) => ['--set', s])
    const args = [
      '--import',
      'tsx',
      'tests/support/train-process.ts',
      'delta',
      '--out',
      out,
      '--threads',
      '1',
      ...flags,
    ]
    const child = spawn(process.execPath, kill === 0 ? args : [...args, '--resume'], {
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    await new Promise<void>((resolve) => {
      let seen = ''
      child.stderr.on('data', (chunk: Buffer) => {
        seen += chunk.toString()
        // Killed within the step, or the checkpoint, that follows this line
        if (seen.includes(`step ${3 * kill + 2}/`)) setTimeout(() => child.kill('SIGKILL'), 7 * kill)
      })
      child.on('exit', () => resolve())
    })
  }
  await run('killed', ['checkpointEvery=1'], { resume: true })
  const [a, b] = [await loadCheckpoint(join(whole.out, 'last')), await loadCheckpoint(join(out, 'last'))]
  for (const [name, t] of Object.entries({ ...a.model, ...a.optimizer }))
    expectSameBits({ ...b.model, ...b.optimizer }[name]!.data as Float32Array, t.data as Float32Array, name)
}, 120_000)

test('a loss that is not finite stops the run, names the tensor and keeps the last good state', async () => {
  const failed = run('diverged', ['learningRate=1e30', 'optimizer.clip=1e30', 'accumulate=1', 'schedule.warmup=0'])
  await expect(failed).rejects.toThrow(DivergenceError)
  await expect(failed).rejects.toThrow(/first tensor that is not finite: (param|first|second|state)\.|none/)
  const { model, step } = await loadCheckpoint(join(folder, 'diverged', 'last'))
  for (const [name, t] of Object.entries(model))
    expect(
      (t.data as Float32Array).every((x) => Number.isFinite(x)),
      `${name} at step ${step}`,
    ).toBe(true)
})

test('patience ends a run whose held-out loss does not fall, and best points at the best one', async () => {
  const { out, outcome } = await run('patience', ['learningRate=1e-12', 'patience=2', 'evaluateEvery=1'])
  expect(outcome.reason).toBe('patience')
  expect(outcome.step).toBeLessThan(12)
  expect((await loadCheckpoint(join(out, 'best'))).step).toBeLessThan(outcome.step)
})

test('settings that cannot be are refused in one sentence before anything is made', async () => {
  const refuse = (setting: string) => () => recipeWith('delta', [setting])
  expect(refuse('batch=0')).toThrow('batch: expected a whole number of at least 1, got 0')
  expect(refuse('wdith=3')).toThrow(/--set wdith: no such setting/)
  expect(refuse('batch=many')).toThrow('--set batch: expected a number, got "many"')
  expect(() => recipeWith('detla', [])).toThrow(/recipe: expected one of vanilla, rsm, .*delta/)
  await expect(run('impossible', ['model.heads=3'])).rejects.toThrow(/delta.heads: 3 heads do not split width 16/)
  await expect(run('unknown', ['model.hedas=3'])).rejects.toThrow(/delta.hedas: no such option/)
  await expect(run('nothing', ['data.files=[]'])).rejects.toThrow(/expected text to train on/)
})

test('a continued run may not change what its numbers mean', async () => {
  const { config } = await run('continued', ['schedule.steps=1'])
  expect(() => checkContinued(config, { ...config, schedule: 'longer' })).not.toThrow()
  expect(() => checkContinued(config, { ...config, seed: 2 })).toThrow(
    'resume: seed: the run was started with 1, asked for 2',
  )
  const { window: _, ...older } = config['model'] as Record<string, unknown>
  const now = { ...config, model: { ...older, window: 64 } }
  expect(() => checkContinued({ ...config, model: older }, now), 'an option at its default').not.toThrow()
  expect(() => checkContinued({ ...config, model: { ...older, window: 7 } }, now)).toThrow(/resume: model/)
})
