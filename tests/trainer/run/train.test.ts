import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { spawn } from 'node:child_process'
import { afterAll, expect, test } from 'vitest'
import { DivergenceError } from '../../../trainer/backends/backend.ts'
import { loadCheckpoint } from '../../../trainer/run/checkpoint.ts'
import { openText } from '../../../runtime/text.ts'
import { DataError, type Batch, type Dataset } from '../../../trainer/data/batch.ts'
import { textDataset } from '../../../trainer/data/text.ts'
import { chatTokens, writeTokenizer } from '../../../trainer/tokenizer/format.ts'
import { byteTokenizer } from '../../../trainer/tokenizer/train.ts'
import { prepare } from '../../../trainer/run/prepare.ts'
import { checkContinued, recipeWith } from '../../../trainer/recipes/settings.ts'
import type { Metric } from '../../../trainer/run/metrics.ts'
import { train } from '../../../trainer/run/train.ts'
import { expectSameBits } from '../../support/all-close.ts'

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
  'sequenceLength=16',
  'schedule.steps=12',
  'schedule.warmup=0.17', // two of twelve updates
  'evaluateEvery=4',
  'evaluateBatches=2',
  'checkpointEvery=5',
  'logEvery=1',
  'accumulate=2',
]

/** Trains in `name`; `stopAt` aborts after that many steps, `failAt` batches can be had. */
async function run(
  name: string,
  more: readonly string[] = [],
  { stopAt = Infinity, stopSoon = false, failAt = Infinity, resume = false, recipe: chosen = 'delta' } = {},
) {
  const out = join(folder, name)
  const stopping = new AbortController()
  const metrics: Metric[] = []
  const report = (m: Metric): void => {
    metrics.push(m)
    if (m.step >= stopAt) stopping.abort()
  }
  const recipe = recipeWith(chosen, [...(chosen === 'delta' ? settings : []), ...more])
  const prepared = await prepare(recipe, {
    out,
    resume,
    backend: 'compiled',
    devices: [{ device: 'cpu', id: 0 }],
    threads: 1,
    report,
  })
  const read = failing(prepared.run.data, failAt)
  const data = stopSoon ? always(await read.next(), read, stopping) : read
  const outcome = await train({ ...prepared.run, data, signal: stopping.signal }, resume).finally(() =>
    prepared.backend.close(),
  )
  return { out, outcome, metrics, config: prepared.run.config, notes: prepared.notes }
}

/** One batch again and again, which waits for nothing; a stop comes as soon as the event loop has a turn. */
function always(batch: Batch, data: Dataset, stopping: AbortController): Dataset {
  return {
    ...data,
    next() {
      setImmediate(() => stopping.abort())
      return Promise.resolve(batch)
    },
  }
}

/** The data set whose batch of that number cannot be had. */
function failing(data: Dataset, failAt: number): Dataset {
  let given = 0
  return {
    ...data,
    async next() {
      if (given++ === failAt) throw new DataError('the wire was cut')
      return data.next()
    },
  }
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
    for (const [name, t] of Object.entries(a[group])) expectSameBits(b[group][name]!.data, t.data, `${group} ${name}`)
  expect({ ...b.state }).toEqual({ ...a.state })
  expect(losses(parts.out)).toEqual(losses(whole.out))
  expect(whole.outcome).toMatchObject({ step: 12, reason: 'done' })
})

test('a signal is heard after the step in which it comes, also where no file is read or written meanwhile', async () => {
  const rare = ['logEvery=1000', 'checkpointEvery=1000', 'evaluateEvery=1000', 'schedule.steps=200']
  const { outcome } = await run('soon', rare, { stopSoon: true })
  expect(outcome).toMatchObject({ reason: 'stopped' })
  expect(outcome.step).toBeLessThan(100)
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
    expectSameBits({ ...b.model, ...b.optimizer }[name]!.data, t.data, name)
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

test('a run that diverges in the middle of an update is saved as it was before that update, to the bit', async () => {
  const wild = ['learningRate=1e30', 'optimizer.clip=1e30', 'schedule.warmup=0', 'schedule.kind="constant"']
  await expect(run('wild', wild)).rejects.toThrow(/^step 2: loss .*, gradient norm /)
  const { out } = await run('wild-stopped', wild, { stopAt: 1 })
  const [saved, before] = [await loadCheckpoint(join(folder, 'wild', 'last')), await loadCheckpoint(join(out, 'last'))]
  expect(saved.step).toBe(1)
  expect(saved.state).toEqual(before.state)
  for (const group of ['model', 'optimizer', 'carry'] as const)
    for (const [name, t] of Object.entries(before[group]))
      expectSameBits(saved[group][name]!.data, t.data, `${group} ${name}`)
})

test('after a kill between two measurements a resumed run has the metrics of an uninterrupted one', async () => {
  const rare = ['logEvery=5', 'checkpointEvery=1', 'evaluateEvery=1000']
  const whole = await run('rare', rare)
  await run('rare-parts', rare, { failAt: 2 * 7 }).catch(() => undefined) //   as if killed in the eighth update
  const parts = await run('rare-parts', rare, { resume: true })
  expect(losses(parts.out)).toEqual(losses(whole.out))
  expect(losses(whole.out).map((line) => (line as Metric).step)).toEqual([5, 10, 12])
})

test('a last line of metrics that was cut off by a kill is dropped, one in the middle is said', async () => {
  const { out } = await run('torn', ['schedule.steps=4'])
  const path = join(out, 'metrics.jsonl')
  const whole = readFileSync(path, 'utf8')
  writeFileSync(path, `${whole}{"step":5,"tok`)
  await run('torn', ['schedule.steps=6'], { resume: true })
  expect(losses(out).map((line) => (line as Metric).step)).toEqual([1, 2, 3, 4, 5, 6])
  writeFileSync(path, whole.replace('{"step":2,', '{"step":'))
  await expect(run('torn', ['schedule.steps=8'], { resume: true })).rejects.toThrow(
    /metrics\.jsonl: line 2 is not JSON; remove it/,
  )
})

test('a run that ends where it has just saved does not save again, so an older checkpoint stays', async () => {
  const { out } = await run('saved-once', ['checkpointEvery=6', 'evaluateEvery=1000'])
  expect(readdirSync(join(out, 'checkpoints')).toSorted()).toEqual(['step-00000006', 'step-00000012'])
})

test('patience ends a run whose held-out loss does not fall, and best points at the best one', async () => {
  const { out, outcome } = await run('patience', ['learningRate=1e-12', 'patience=2', 'evaluateEvery=1'])
  expect(outcome.reason).toBe('patience')
  expect(outcome.step).toBeLessThan(12)
  expect((await loadCheckpoint(join(out, 'best'))).step).toBeLessThan(outcome.step)
})

test('evaluateEvery=epoch measures each time that all text was read, and at the end; also across a resumption', async () => {
  const epochs = [
    'evaluateEvery="epoch"',
    'accumulate=1',
    'sequenceLength=64',
    'schedule.steps=90',
    'logEvery=1000',
    'carry=true',
  ]
  const { out, metrics } = await run('epochs', epochs)
  const data = await textDataset({
    paths: [text],
    codec: openText(join(out, 'tokenizer')),
    batch: 2,
    sequenceLength: 64,
    heldOut: 0.1,
  })
  const ends: number[] = []
  for (let step = 1; step <= 90; step++) {
    const before = data.epoch!()
    await data.next()
    if (data.epoch!() > before) ends.push(step)
  }
  expect(ends.length).toBeGreaterThan(0)
  expect(metrics.map(({ step, epoch, heldOut }) => [step, epoch, heldOut !== undefined])).toEqual([
    ...ends.map((step, i) => [step, i + 1, true]),
    ...(ends.includes(90) ? [] : [[90, ends.length, true]]),
  ])
  await run('epochs-parts', [...epochs, 'logEvery=1', 'checkpointEvery=7'], { stopAt: ends[0]! - 1 })
  const resumed = await run('epochs-parts', epochs, { resume: true })
  expect(resumed.metrics.map(({ step, heldOut }) => [step, heldOut])).toEqual(
    metrics.map(({ step, heldOut }) => [step, heldOut]),
  )
  await expect(run('endless', ['evaluateEvery="epoch"'], { recipe: 'keeper' })).rejects.toThrow(
    "evaluateEvery: expected a number of steps, got epoch: keeper's data has no end",
  )
})

test('data that cannot be had in the middle of an update leaves the run saved before it, to be continued exactly', async () => {
  const whole = await run('sound')
  const broken = run('broken', [], { failAt: 9 })
  await expect(broken).rejects.toThrow('the wire was cut; the run is saved at step 4, --resume goes on from there')
  const out = join(folder, 'broken')
  expect((await loadCheckpoint(join(out, 'last'))).step).toBe(4)
  await run('broken', [], { resume: true })
  const [a, b] = [await loadCheckpoint(join(whole.out, 'last')), await loadCheckpoint(join(out, 'last'))]
  for (const [name, t] of Object.entries({ ...a.model, ...a.optimizer, ...a.carry }))
    expectSameBits({ ...b.model, ...b.optimizer, ...b.carry }[name]!.data, t.data, name)
  expect(losses(out)).toEqual(losses(whole.out))
})

test('a resumed run has the tokenizer that it began with, by its contents', async () => {
  const steps = ['schedule.steps=1']
  const folders = ['moved', 'other'].map((name) => join(folder, `tokenizer-${name}`)) as [string, string]
  await writeTokenizer(folders[0], byteTokenizer(chatTokens))
  await writeTokenizer(folders[1], byteTokenizer([...chatTokens, '<|more|>']))
  const choice = (path: string) => `tokenizer=${JSON.stringify({ kind: 'folder', vocab: 0, folder: path })}`
  const { out } = await run('own', steps)
  const again = (setting: string) => run('own', [...steps, setting], { resume: true })
  await expect(again(choice(folders[1]))).rejects.toThrow(
    /^resume: tokenizer: the run began with another one: .*tokenizer-other\/tokenizer\.json has sha256 \w{12}, expected \w{12}$/,
  )
  await expect(again('tokenizer.kind=char')).rejects.toThrow('resume: tokenizer: the run began with {"kind":"byte"')
  await expect(again(choice(join(folder, 'nowhere')))).rejects.toThrow('nowhere/tokenizer.json cannot be read')
  await expect(again(choice(folders[0])), 'the same tokenizer in another place').resolves.toBeDefined()
  await writeTokenizer(join(out, 'tokenizer'), byteTokenizer([...chatTokens, '<|more|>']))
  await expect(again(choice(folders[0])), 'its own folder was changed').rejects.toThrow('own/tokenizer/tokenizer.json')
})

test('impossible settings are refused in one sentence before anything is made', async () => {
  const refuse = (setting: string) => () => recipeWith('delta', [setting])
  expect(refuse('batch=0')).toThrow('batch: expected a whole number from 1 to 1000000000, got 0')
  expect(refuse('wdith=3')).toThrow(/wdith: no such option; there are tokenizer, mode/)
  expect(refuse('optimzer.clip=3')).toThrow('--set optimzer.clip: optimzer is no setting')
  expect(refuse('batch.size=3')).toThrow('--set batch.size: batch has no settings of its own')
  expect(refuse('evaluateEvery=often')).toThrow(
    'evaluateEvery: expected a whole number from 1 to 1000000000, or epoch, got "often"',
  )
  expect(refuse('mode=both')).toThrow('mode: expected one of pretrain, instruct, got "both"')
  expect(() => recipeWith('keeper', ['mode=instruct'])).toThrow(/mode: .*keeper makes its own data/)
  for (const [setting, expected] of [
    ['lrScales={"blocks":-1}', 'lrScales.blocks: expected a number from 0 to 10000, got -1'],
    ['lrScales.blocks=abc', 'lrScales.blocks: expected a number from 0 to 10000, got "abc"'],
    ['schedule.kind=cosin', 'schedule.kind: expected one of cosine, linear, constant, wsd, got "cosin"'],
    ['schedule.minRatio=-3', 'schedule.minRatio: expected a number from 0 to 1, got -3'],
    ['optimizer.weightDecay=-5', 'optimizer.weightDecay: expected a number from 0 to 10, got -5'],
    ['tokenizer.kind=foo', 'tokenizer.kind: expected one of byte, char, bpe, folder, ids, got "foo"'],
    ['generation.temperature=-5', 'generation.temperature: expected a number from 0 to 2, got -5'],
    ['generation={"top_k":5}', 'generation.top_k: no such option; there are temperature, top_p, max_tokens'],
    ['schedule.warmup=2000', 'schedule.warmup: expected at most the 1000 updates of the run, got 2000'],
    ['schedule.warmup=2.5', 'schedule.warmup: expected a whole number of updates or a share below 1, got 2.5'],
  ] as const)
    expect(refuse(setting)).toThrow(expected)
  expect(refuse('batch=many')).toThrow('batch: expected a whole number from 1 to 1000000000, got "many"')
  expect(() => recipeWith('detla', [])).toThrow(/recipe: expected one of vanilla, rsm, .*delta/)
  await expect(run('impossible', ['model.heads=3'])).rejects.toThrow(/delta.heads: 3 heads do not split width 16/)
  await expect(run('unknown', ['model.hedas=3'])).rejects.toThrow(/delta.hedas: no such option/)
  await expect(run('nothing', ['data.files=[]'])).rejects.toThrow(/expected text to train on/)
})

test('settings that would have no effect are refused, with what they would need', async () => {
  expect(() => recipeWith('delta', ['patience=3', 'data.heldOutShare=0'])).toThrow(
    'patience: expected held-out data to measure on for patience 3, there is none',
  )
  await expect(run('no-scale', ['lrScales.blocks.7=2'])).rejects.toThrow(
    /lrScales\.blocks\.7: expected a parameter or a part of the model, there are 0, 1 in blocks/,
  )
  await expect(run('no-recompute', ['recompute=3'])).rejects.toThrow(
    'recompute: expected at most the 2 layers of the model, got 3',
  )
})

test('a preset brings its sizes, and settings beside it go over them', () => {
  expect(recipeWith('hmst', ['model.layers=2', 'model.preset=micro']).model).toEqual({ layers: 2, preset: 'micro' })
  expect(recipeWith('hmst', ['model.preset=none']).model).toMatchObject({ width: 128 })
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

test('the first checkpoint comes early, the newest stay, and the loss is measured at the end', async () => {
  const settings = ['checkpointEvery=4', 'keepCheckpoints=3', 'evaluateEvery=1000', 'accumulate=1', 'schedule.steps=13']
  const { out, metrics } = await run('kept', settings)
  const kept = readdirSync(join(out, 'checkpoints')).toSorted()
  expect(kept).toEqual(['step-00000008', 'step-00000012', 'step-00000013'])
  expect(metrics.filter(({ heldOut }) => heldOut !== undefined).map(({ step }) => step)).toEqual([13])
  const early = await run('early', ['checkpointEvery=50', 'evaluateEvery=1000', 'schedule.steps=6'], { stopAt: 5 })
  expect(readdirSync(join(early.out, 'checkpoints'))).toEqual(['step-00000005'])
})

test('held-out data that fills fewer batches than are asked for is measured as a whole, and that is said', async () => {
  const { notes } = await run('few', ['evaluateBatches=500', 'schedule.steps=1'])
  expect(notes.join()).toMatch(/held-out data fills \d+ of 500 batches \(evaluateBatches\): these are measured/)
})
