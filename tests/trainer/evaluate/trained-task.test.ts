import { execFile, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createModel } from '../../../models/registry.ts'
import { evalCommand } from '../../../trainer/evaluate/cli.ts'
import { recipes } from '../../../trainer/recipes/registry.ts'
import { setTask } from '../../../trainer/data/tasks/registry.ts'
import { taskDataset, taskVocabulary } from '../../../trainer/data/tasks/dataset.ts'
import { recipeWith } from '../../../trainer/recipes/settings.ts'
import { listening } from '../../support/process.ts'

const folder = mkdtempSync(join(tmpdir(), 'mneme-task-'))
afterAll(() => rmSync(folder, { recursive: true }))

/** The command as a user runs it. */
const mneme = (...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> =>
  new Promise((resolve) => {
    execFile(process.execPath, ['clients/cli/bin.js', ...args], (error, stdout, stderr) => {
      resolve({ code: error ? Number(error.code) : 0, stdout, stderr })
    })
  })

/** Several processes in a row, on a machine that may be busy. */
const patience = 180_000

const set = (...settings: string[]): string[] => settings.flatMap((setting) => ['--set', setting])

describe('a task learned from nothing', () => {
  const [run, bundle] = [join(folder, 'run'), join(folder, 'bundle')]

  beforeAll(async () => {
    const small = set(
      'model={"width":32,"layers":"d","hidden":0,"memoryHeads":2,"keys":8,"values":8,"decay":"none","betaMax":[2]}',
      'batch=32',
      'sequenceLength=16',
      'data.stages=[{"untilTokens":1e12,"mix":[{"length":16,"shortest":3,"everywhere":true}]}]',
      'data.evaluate=[{"length":12},{"length":24}]',
      'evaluateEvery=75',
      'schedule.warmup=20',
      'learningRate=1e-2',
    )
    const done = await mneme('train', 'parity', '--steps', '150', '--out', run, '--threads', '1', ...small)
    expect(done.stderr).toContain('parity, train')
    expect(done.code).toBe(0)
  }, patience)

  test('is answered, at lengths never trained on too; the report has no sample of text', async () => {
    const done = await mneme('eval', 'parity', '--model', run, '--json', '--sequences', '100')
    const { subject, command, seed, cells } = JSON.parse(done.stdout) as {
      subject: Record<string, unknown>
      command: string
      seed: number
      cells: { options: object; share: number }[]
    }
    expect(cells.map(({ options }) => options)).toEqual([{ length: 12 }, { length: 24 }])
    for (const { share } of cells) expect(share).toBeGreaterThan(0.95)
    expect(subject).toMatchObject({ model: run, architecture: 'delta', stateFloats: 1 + 2 * 8 * 8 + 3 * 48 })
    expect(subject['parameters']).toBeGreaterThan(1000)
    expect([command, seed]).toEqual([`mneme eval parity --model ${run} --json --sequences 100`, 1])
    expect(readFileSync(join(run, 'report.md'), 'utf8')).not.toContain('## Sample')
  })

  test(
    'is a guess where its memory is never written, and another where an option is changed',
    async () => {
      const share = async (...args: string[]): Promise<number> => {
        const done = await mneme('eval', 'parity', '--model', run, '--json', '--sequences', '40', ...args)
        return (JSON.parse(done.stdout) as { cells: { share: number }[] }).cells[1]!.share
      }
      expect(await share('--freeze', 'memory')).toBeLessThan(0.8)
      expect(await share(...set('model.betaMax=[0.5]'))).toBeLessThan(0.8)
      const refused = [
        [['--freeze', 'nothing'], '--freeze: expected an expression for some of filled, blocks.0.delta.conv, blocks.0'],
        [set('model.keys=4'), 'train a model with these options instead'],
        [set('keys=4'), 'expected model.OPTION=VALUE, got keys=4'],
        [['--url', 'http://localhost:1', '--freeze', 'memory'], '--freeze are for a model that is opened here'],
        [['--url', 'http://localhost:1'], 'http://localhost:1: expected a running server, got bad port'],
      ] as const
      for (const [args, message] of refused) {
        const done = await mneme('eval', 'parity', '--model', run, ...args)
        expect([done.code === 0, done.stderr]).toEqual([false, expect.stringContaining(message)])
      }
    },
    patience,
  )

  test('is exported, verified and answered the same by the bundle', { timeout: patience }, async () => {
    const exported = await mneme('export', run, '--out', bundle, '--tokens', '32')
    expect(exported.stdout).toMatch(/parity, \d+ parameters, fused kernels/)
    const measure = (model: string) => mneme('eval', 'parity', '--model', model, '--sequences', '20')
    const [checkpoint, served] = [await measure(run), await measure(bundle)]
    const numbers = (stdout: string) => stdout.split('\nmneme eval ')[0]
    expect(numbers(served.stdout)).toBe(numbers(checkpoint.stdout))
    expect(served.stdout).toMatch(/delta, \d+ parameters, 273 numbers of state a session/)
  })

  test('is exported with an option changed, which the manifest says', { timeout: patience }, async () => {
    const changed = join(folder, 'changed')
    const weaker = set('model.betaMax=[0.5]')
    await mneme('export', run, '--out', changed, '--tokens', '32', ...weaker)
    const { config } = JSON.parse(readFileSync(join(changed, 'manifest.json'), 'utf8')) as { config: object }
    expect(config).toMatchObject({ betaMax: [0.5], keys: 8 })
    const measure = (model: string, ...args: string[]) =>
      mneme('eval', 'parity', '--model', model, '--sequences', '20', ...args)
    const [checkpoint, served] = [await measure(run, ...weaker), await measure(changed)]
    const numbers = (stdout: string) => stdout.split('\nmneme eval ')[0]
    expect(numbers(served.stdout)).toBe(numbers(checkpoint.stdout))
    const refused = await mneme('export', run, '--out', changed, ...set('model.keys=4'))
    expect([refused.code, refused.stderr]).toEqual([2, expect.stringContaining('train a model with these options')])
  })

  test(
    'is answered the same by a server of the bundle, whose state and parameters are shown',
    { timeout: patience },
    async () => {
      const flags = ['serve', bundle, '--port', '0', '--data', join(folder, 'data')]
      const server = await listening(spawn(process.execPath, ['clients/cli/bin.js', ...flags]))
      try {
        const cells = ['--cell', 'length=12', '--cell', 'length=24', '--sequences', '20']
        const [served, local] = await Promise.all([
          mneme('eval', 'parity', '--url', server.url, '--api-key', 'secret', ...cells),
          mneme('eval', 'parity', '--model', bundle, ...cells),
        ])
        const numbers = (stdout: string) => stdout.split('\nmneme eval ')[0]
        expect(numbers(served.stdout)).toBe(numbers(local.stdout))
        expect(served.stdout).toContain('--api-key *** --cell length=12')
        const wrong = await mneme('eval', 'mqar', '--url', server.url, '--sequences', '1')
        expect(wrong.stderr).toMatch(/Token \d+ does not exist: the vocabulary has 2/)
        expect(wrong.code).toBe(1)
        const [named, unknown] = await Promise.all(
          ['parity', 'mqar'].map((name) => mneme('eval', 'parity', '--url', server.url, '--model', name, ...cells)),
        )
        expect(numbers(named!.stdout)).toBe(numbers(local.stdout))
        expect(unknown!.stderr).toContain(`${server.url}: expected one of parity, got mqar`)
      } finally {
        server.child.kill('SIGKILL')
      }
    },
  )

  const refused: [name: string, args: () => string[], message: RegExp][] = [
    [
      'text of a server in one piece',
      () => ['text', '--url', 'http://x', '--data', 'x'],
      /expected --window, the char/,
    ],
    ['text without a file', () => ['text', '--model', run], /required option '--data <file>' not specified/],
    ['neither a model nor a server', () => ['parity'], /expected --model, or --url of a running server/],
    ['an unknown suite', () => ['mqra', '--model', run], /unknown command 'mqra'\n\(Did you mean mqar\?\)/],
    ['a task with more tokens', () => ['recall', '--model', run, '--cell', 'vocabulary=16'], /at least 16 tokens/],
    ['a cell that is none', () => ['parity', '--model', run, '--cell', 'length'], /--cell: expected name=value/],
    ['an unknown option', () => ['parity', '--model', run, '--cell', 'size=3'], /parity\.size: no such option/],
    ['an option out of range', () => ['parity', '--model', run, '--cell', 'length=1'], /length: .* from 3/],
  ]
  test.each(refused)('%s is refused in one sentence', async (_, args, message) => {
    const command = evalCommand()
    for (const one of [command, ...command.commands])
      one.exitOverride().configureOutput({ outputError: () => undefined })
    await expect(command.parseAsync(args(), { from: 'user' })).rejects.toThrow(message)
  })
})

describe('every recipe of a task', () => {
  const own = [...recipes.values()].flatMap((recipe) =>
    recipe.data.kind === 'task' ? [{ ...recipe, data: recipe.data }] : [],
  )

  test.each(own.map((recipe) => [recipe.name, recipe] as const))(
    '%s is trained and measured with options that can be, in rows that hold them',
    async (_, { data, batch, sequenceLength, carry, seed, architecture, model }) => {
      for (const options of data.evaluate)
        expect(() => setTask(data.task, { ...data.options, ...options })).not.toThrow()
      const vocab = taskVocabulary(data)
      expect(createModel(architecture, { ...model, vocab }).vocab).toBe(vocab)
      expect(carry).toBe(false)
      const rows = taskDataset({ source: data, batch, sequenceLength, carry, seed, part: 'train' })
      for (let i = 0; i < 5; i++) expect((await rows.next()).weights.some((weight) => weight > 0)).toBe(true)
    },
  )

  test('goes with any architecture, whose own small sizes it takes and whose options go over them', () => {
    const changed = recipeWith('mqar', ['model.window=256', 'architecture=vanilla'])
    expect(changed.architecture).toBe('vanilla')
    expect(changed.model).toEqual({ ...recipes.get('vanilla')!.model, window: 256 })
    expect(changed.data).toEqual(recipes.get('mqar')!.data)
    expect(() => createModel('vanilla', changed.model)).not.toThrow()
    expect(recipeWith('mqar', ['architecture=delta']).model).toEqual(recipes.get('mqar')!.model)
  })
})
