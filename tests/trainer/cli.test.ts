import { execFile } from 'node:child_process'
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

const folder = mkdtempSync(join(tmpdir(), 'mneme-cli-'))
afterAll(() => rmSync(folder, { recursive: true }))

const small = [
  '--threads',
  '1',
  '--set',
  'model.width=16',
  '--set',
  'model.hidden=16',
  '--set',
  'batch=2',
  '--set',
  'sequenceLength=64',
]
const text = join(folder, 'text.txt')
const run = join(folder, 'run')
/** Plain text but for one byte at 600. */
const latin1 = Buffer.alloc(4000, 'abc ').fill(0xe9, 600, 601)

/** The command as a user runs it. */
const mneme = (...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> =>
  new Promise((resolve) => {
    execFile(process.execPath, ['clients/cli/bin.js', ...args], (error, stdout, stderr) => {
      resolve({ code: error ? Number(error.code) : 0, stdout, stderr })
    })
  })

beforeAll(async () => {
  writeFileSync(text, 'The keeper wrote down what it was told, and told what it had written down.\n'.repeat(60))
  const done = await mneme('train', 'delta', '--data', text, '--steps', '3', '--out', run, ...small)
  expect(done.stderr).toContain('step 3/3')
  expect(done.code).toBe(0)
})

describe('a run', () => {
  test('leaves checkpoints, metrics, curves and a report', () => {
    const files = ['best', 'checkpoints', 'curves.svg', 'last', 'lock.db', 'metrics.jsonl', 'recipe.json', 'report.md']
    files.push('tensorboard', 'tokenizer')
    expect(readdirSync(run).toSorted()).toEqual(files)
    expect(readFileSync(join(run, 'curves.svg'), 'utf8')).toMatch(/^<svg/)
    expect(readFileSync(join(run, 'report.md'), 'utf8')).toContain('| steps | 3 (done) |')
  })

  test('is exported, verified and measured, the bundle exactly like the checkpoint', async () => {
    const bundle = join(folder, 'bundle')
    const exported = await mneme('export', run, '--out', bundle, '--tokens', '40')
    expect(exported.stdout).toMatch(/against TF\.js .* \d\.\d+e-\d/)
    const measure = (model: string) => mneme('eval', 'text', '--model', model, '--data', text)
    const [checkpoint, served] = [await measure(run), await measure(bundle)]
    expect(served.stdout).toMatch(/bits per byte/)
    const numbers = (stdout: string) => stdout.split('\nmneme eval ')[0]
    expect(numbers(served.stdout)).toBe(numbers(checkpoint.stdout))
    const json = await mneme('eval', 'text', '--model', bundle, '--data', text, '--json')
    expect(JSON.parse(json.stdout)).toMatchObject({ bytes: readFileSync(text).length })
  })
})

describe('what cannot be trained is refused in one sentence', () => {
  const cases: [name: string, args: () => string[], code: number, message: RegExp][] = [
    ['an empty file', () => ['train', 'delta', '--data', file('empty.txt', '')], 1, /empty\.txt: .*empty/],
    ['text that is not UTF-8', () => ['train', 'delta', '--data', file('latin.txt', latin1)], 1, /latin\.txt: .*600/],
    ['a file that is not there', () => ['train', 'delta', '--data', join(folder, 'none.txt')], 1, /none\.txt/],
    ['no data', () => ['train', 'delta'], 2, /give --data FILES/],
    ['an unknown recipe', () => ['train', 'detla'], 2, /expected one of vanilla, rsm, .*got detla/],
    ['no recipe', () => ['train'], 2, /expected a recipe/],
    [
      'a stage of a recipe without stages',
      () => ['train', 'delta', '--stage', '2'],
      2,
      /expected the recipe hmst, .*got delta/,
    ],
    [
      'a later stage without an earlier one',
      () => ['train', 'hmst', '--stage', '2'],
      2,
      /expected --init with a run of stage 1/,
    ],
    [
      'an unknown option of the model',
      () => ['train', 'delta', '--data', text, '--set', 'model.hedas=2'],
      2,
      /hedas: no such option/,
    ],
    ['data for a task', () => ['train', 'mqar', '--data', text], 2, /mqar makes its own data/],
    ['an unknown flag', () => ['train', 'delta', '--dta', text], 2, /unknown option/],
    [
      'a run that is not there',
      () => ['train', 'delta', '--data', text, '--resume'],
      1,
      /expected a run to continue, found no checkpoint in it/,
    ],
  ]
  test.each(cases)('%s', async (_, args, code, message) => {
    const done = await mneme(...args(), '--out', join(folder, 'refused'))
    expect(done.stderr.trim().split('\n').at(-1)).toMatch(message)
    expect(done.stderr).not.toMatch(/\n\s+at /)
    expect(done.code).toBe(code)
  })

  test('text that cannot be tokenized leaves nothing behind, and shards and tokenizers are never replaced', async () => {
    const [tokens, shards] = [join(folder, 'byte-tokenizer'), join(folder, 'shards')]
    const make = () => mneme('tokenizer', '--kind', 'byte', '--out', tokens)
    expect((await make()).code).toBe(0)
    expect(await make()).toMatchObject({
      code: 1,
      stderr: `mneme tokenizer: ${tokens}: expected a new or empty folder, found files; choose another --out, or remove it\n`,
    })
    const tokenize = (path: string) => mneme('tokenize', path, '--tokenizer', tokens, '--out', shards)
    const before = readdirSync(folder)
    const done = await tokenize(file('half.jsonl', '{"text":"good"}\n{"text":'))
    expect([done.code, done.stderr]).toEqual([1, expect.stringContaining('half.jsonl: line 2')])
    expect(readdirSync(folder).toSorted()).toEqual([...before, 'half.jsonl'].toSorted())
    expect((await tokenize(text)).code).toBe(0)
    expect((await tokenize(text)).stderr).toContain('shards: expected a new or empty folder, found files')
  })

  test('a folder that holds a run already', async () => {
    const done = await mneme('train', 'delta', '--data', text, '--steps', '3', '--out', run, ...small)
    expect(done.stderr).toMatch(/holds a run already; continue it with --resume/)
    expect(done.code).toBe(1)
  })

  test('a damaged run, by what is damaged', async () => {
    const copy = join(folder, 'damaged')
    cpSync(run, copy, { recursive: true, verbatimSymlinks: true })
    const weights = join(copy, 'last', 'model.safetensors')
    const bytes = readFileSync(weights)
    bytes[bytes.length - 1]! ^= 1
    writeFileSync(weights, bytes)
    for (const args of [
      ['eval', 'text', '--model', copy, '--data', text],
      ['export', copy, '--out', join(folder, 'never')],
    ])
      expect((await mneme(...args)).stderr).toMatch(/model\.safetensors: the checkpoint is damaged: expected sha256/)
  })

  test('a continued run with another tokenizer', async () => {
    const other = join(folder, 'other')
    expect((await mneme('tokenizer', text, '--kind', 'char', '--vocab', '280', '--out', other)).code).toBe(0)
    const choice = ['--set', `tokenizer=${JSON.stringify({ kind: 'folder', vocab: 0, folder: other })}`]
    const done = await mneme(
      'train',
      'delta',
      '--data',
      text,
      '--steps',
      '4',
      '--out',
      run,
      '--resume',
      ...small,
      ...choice,
    )
    expect(done.stderr).toMatch(
      /resume: tokenizer: the run began with another one: .*sha256 [0-9a-f]{12}, expected [0-9a-f]{12}\n$/,
    )
    expect(done.code).toBe(1)
  })

  test('a continued run with another width', async () => {
    const done = await mneme(
      'train',
      'delta',
      '--data',
      text,
      '--steps',
      '4',
      '--out',
      run,
      '--resume',
      ...small,
      '--set',
      'model.width=32',
    )
    expect(done.stderr).toMatch(/resume: model\.\w+: the run was started with \d+, asked for \d+/)
    expect(done.code).not.toBe(0)
  })
})

function file(name: string, content: string | Buffer): string {
  writeFileSync(join(folder, name), content)
  return join(folder, name)
}
