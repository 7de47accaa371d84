/** The trainer's commands as their user runs them: in a folder, from another one, with mistakes, interrupted. */
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { beforeAll, describe, expect, test } from 'vitest'
import { spawn } from 'node:child_process'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { afterAll } from 'vitest'

const bin = fileURLToPath(new URL('../../clients/cli/bin.js', import.meta.url))
const home = mkdtempSync(join(tmpdir(), 'mneme-commands-'))
const elsewhere = join(home, 'elsewhere')
afterAll(() => rmSync(home, { recursive: true }))

interface Finished {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Runs `mneme ARGS` in a folder; `interrupt` gets what it has said so far and may send a signal. */
function mneme(
  folder: string,
  args: readonly string[],
  interrupt?: (said: string) => NodeJS.Signals | undefined,
): Promise<Finished> {
  const child = spawn(process.execPath, [bin, ...args], { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] })
  let [stdout, stderr] = ['', '']
  let sent = false
  const hear = (): void => {
    const signal = sent ? undefined : interrupt?.(stdout + stderr)
    if (signal) sent = child.kill(signal)
  }
  child.stdout.setEncoding('utf8').on('data', (text: string) => ((stdout += text), hear()))
  child.stderr.setEncoding('utf8').on('data', (text: string) => ((stderr += text), hear()))
  return new Promise((resolve) => child.once('close', (code) => resolve({ code, stdout, stderr })))
}

const small = ['model.width=16', 'model.hidden=16', 'model.layers="d"', 'batch=2', 'sequenceLength=32']
  .flatMap((setting) => ['--set', setting])
  .concat('--threads', '1')

beforeAll(async () => {
  mkdirSync(elsewhere)
  writeFileSync(
    join(home, 'book.txt'),
    'The keeper wrote down what it was told, and told what it had written.\n'.repeat(90),
  )
  const done = await mneme(home, ['train', 'delta', '--data', 'book.txt', '--steps', '4', '--out', 'run', ...small])
  expect(done).toMatchObject({ code: 0 })
}, 120_000)

describe('a run that was trained with a path as typed', () => {
  test('keeps the recipe that it was trained with, which trains the same again', async () => {
    const recipe = JSON.parse(readFileSync(join(home, 'run', 'recipe.json'), 'utf8')) as {
      data: object
      schedule: object
    }
    expect(recipe).toMatchObject({ name: 'delta', data: { files: [join(home, 'book.txt')] }, schedule: { steps: 4 } })
    const again = await mneme(elsewhere, [
      'train',
      '--recipe',
      '../run/recipe.json',
      '--out',
      'again',
      '--threads',
      '1',
    ])
    expect(again.code).toBe(0)
    const losses = (run: string): unknown[] =>
      readFileSync(join(run, 'metrics.jsonl'), 'utf8')
        .trim()
        .split('\n')
        .map((line) => (JSON.parse(line) as { loss: number }).loss)
    expect(losses(join(elsewhere, 'again'))).toEqual(losses(join(home, 'run')))
  })

  test('is exported from another folder, sampled, and continued without its recipe and its data', async () => {
    const exported = await mneme(elsewhere, ['export', '../run', '--out', 'bundle', '--tokens', '40'])
    expect(exported).toMatchObject({ code: 0, stderr: '' })
    for (const model of ['bundle', '../run']) {
      const sample = ['sample', model, '--prompt', 'The keeper', '--tokens', '5', '--samples', '2']
      const { code, stdout } = await mneme(elsewhere, sample)
      expect([code, stdout.match(/^The keeper/gm)?.length, stdout.startsWith('--- 1\n')]).toEqual([0, 2, true])
      expect((await mneme(elsewhere, sample)).stdout, 'the same seed').toBe(stdout)
    }
    const resumed = await mneme(elsewhere, ['train', '--resume', '--out', '../run', '--steps', '5'])
    expect(resumed.stdout).toContain('done after 5 steps')
    const named = [
      'train',
      'delta',
      '--resume',
      '--out',
      join(home, 'run'),
      '--data',
      join(home, 'book.txt'),
      '--steps',
      '6',
    ]
    expect((await mneme(elsewhere, named)).stdout).toContain('done after 6 steps')
  })

  test('says what to do where the data is not there any more, and goes on where it was moved to', async () => {
    renameSync(join(home, 'book.txt'), join(home, 'moved.txt'))
    const exported = await mneme(elsewhere, ['export', '../run', '--out', 'other', '--tokens', '40'])
    expect(exported.code).toBe(1)
    expect(exported.stderr).toMatch(
      /book\.txt: the file cannot be read: there is no such file or folder; give --text FILE/,
    )
    const gone = await mneme(elsewhere, ['train', '--resume', '--out', '../run', '--steps', '7'])
    expect(gone).toMatchObject({ code: 1, stdout: '' })
    expect(gone.stderr).toMatch(
      /book\.txt: the data of the run is not there any more; give --data with where it is now\n$/,
    )
    const moved = ['train', '--resume', '--out', '../run', '--steps', '7', '--data', '../moved.txt']
    expect((await mneme(elsewhere, moved)).stdout).toContain('done after 7 steps')
    renameSync(join(home, 'moved.txt'), join(home, 'book.txt'))
  })
})

describe('mistakes are answered in one sentence', () => {
  const cases: [name: string, args: string[], code: number, sentence: RegExp][] = [
    [
      'data forgotten before an option',
      ['train', 'delta', '--data', '--out', 'x'],
      2,
      /Expected a path, got the option --out/,
    ],
    [
      'a folder forgotten before an option',
      ['train', 'delta', '--out', '--resume'],
      2,
      /Expected a path, got the option --resume/,
    ],
    [
      'nothing to continue',
      ['train', '--resume', '--out', 'nowhere'],
      1,
      /nowhere: expected a run to continue, found no checkpoint/,
    ],
    ['no folder to continue', ['train', '--resume'], 2, /resume: expected --out with the folder of the run/],
    [
      'another recipe to continue with',
      ['train', 'rsm', '--resume', '--out', 'run'],
      2,
      /run is a run of delta, asked for rsm/,
    ],
    [
      'a recipe twice',
      ['train', 'rsm', '--recipe', 'run/recipe.json'],
      2,
      /either a recipe's name or --recipe FILE, got both/,
    ],
    [
      'a recipe file that is not there',
      ['train', '--recipe', 'r.json'],
      1,
      /r\.json: cannot be read: there is no such file/,
    ],
    [
      'a tokenizer folder that is not named',
      ['train', 'delta', '--data', 'book.txt', '--set', 'tokenizer.kind=folder', '--out', 'x'],
      1,
      /tokenizer\.folder: expected a folder/,
    ],
    [
      'published weights that are not there',
      ['train', 'smt', '--data', 'book.txt', '--set', 'start.gpt2=nope', '--out', 'y'],
      1,
      /nope: cannot be read: there is no such file/,
    ],
    [
      'a folder for weights',
      ['train', 'smt', '--data', 'book.txt', '--set', 'start.mamba=run', '--out', 'z'],
      1,
      /run: cannot be read: it is a folder/,
    ],
    [
      'the task of a model of text',
      ['eval', 'parity', '--model', 'run'],
      2,
      /eval parity: expected the model of a task, .* got run, whose tokens are text/,
    ],
    [
      'a text that is not there',
      ['eval', 'text', '--model', 'run', '--data', 'none.txt'],
      1,
      /none\.txt: the file cannot be read/,
    ],
    ['no text', ['eval', 'text', '--model', 'run'], 2, /required option '--data <file>' not specified/],
    [
      'an option of another suite',
      ['eval', 'text', '--model', 'run', '--data', 'book.txt', '--facts', '3'],
      2,
      /unknown option '--facts'/,
    ],
    ['no model', ['sample', 'nope'], 1, /nope: expected a checkpoint, there is no such folder/],
    [
      'a compact file that is not smaller',
      ['export', 'run', '--out', 'c', '--text', 'book.txt', '--tokens', '20', '--compact'],
      1,
      /--compact: makes no smaller file of this model \(\d+ bytes, \d+ without it\); leave it out/,
    ],
    [
      'a folder that cannot be written',
      ['export', 'run', '--out', '/proc/x', '--text', 'book.txt', '--tokens', '20'],
      1,
      /\/proc\/.*(no such file|permission denied)/,
    ],
  ]
  test.each(cases)('%s', async (_, args, code, sentence) => {
    const done = await mneme(home, args)
    expect(done.stderr.trim().split('\n').at(-1)).toMatch(sentence)
    expect(done.stderr).not.toMatch(/\n\s+at |ENOENT|EISDIR|EACCES/)
    expect(done.code).toBe(code)
  })
})

describe('an interruption', () => {
  const train = (out: string): string[] => [
    'train',
    'delta',
    '--data',
    'book.txt',
    '--steps',
    '100000',
    '--out',
    out,
    '--set',
    'logEvery=1',
    ...small,
  ]

  test('of a training saves the run and ends with 130, or 143 at SIGTERM', async () => {
    for (const [signal, code] of [
      ['SIGINT', 130],
      ['SIGTERM', 143],
    ] as const) {
      const out = `stopped-${signal}`
      const done = await mneme(home, train(out), (said) => (said.includes('step 3/') ? signal : undefined))
      expect(done.stdout).toMatch(/^stopped after \d+ steps; checkpoint /)
      expect(done.code).toBe(code)
      expect(existsSync(join(home, out, 'last', 'state.json'))).toBe(true)
    }
  })

  test('of a tokenization leaves nothing behind', async () => {
    writeFileSync(
      join(home, 'long.jsonl'),
      `${JSON.stringify({ text: 'many words to be tokenized '.repeat(400) })}\n`.repeat(4000),
    )
    expect((await mneme(home, ['tokenizer', '--kind', 'byte', '--out', 'bytes'])).code).toBe(0)
    const before = readdirSync(home).toSorted()
    const args = ['tokenize', 'long.jsonl', '--tokenizer', 'bytes', '--out', 'shards']
    const writing = (): boolean => readdirSync(home).some((name) => name.startsWith('.shards'))
    const done = new Promise<Finished>((resolve) => {
      const child = spawn(process.execPath, [bin, ...args], { cwd: home, stdio: ['ignore', 'pipe', 'pipe'] })
      // Once: the second signal ends a command at once.
      const timer = setInterval(() => {
        if (!writing()) return
        clearInterval(timer)
        child.kill('SIGINT')
      }, 20)
      child.once('close', (code) => (clearInterval(timer), resolve({ code, stdout: '', stderr: '' })))
    })
    expect((await done).code).toBe(130)
    expect(readdirSync(home).toSorted()).toEqual(before)
  })

  test('by a reader who has seen enough is no failure', async () => {
    const child = spawn('sh', [
      '-c',
      `"${process.execPath}" "${bin}" train --help | head -1; "${process.execPath}" "${bin}" train --list 2>&1 | head -1`,
    ])
    let said = ''
    child.stdout.on('data', (text: Buffer) => (said += text.toString()))
    child.stderr.on('data', (text: Buffer) => (said += text.toString()))
    await new Promise((resolve) => child.once('close', resolve))
    expect(said).toMatch(/^Usage: mneme train .*\nvanilla .*\n$/)
  })
})

test('a full disk is said in one sentence, and what was there stays', async () => {
  const done = await new Promise<Finished>((resolve) => {
    const child = spawn(
      process.execPath,
      [bin, 'eval', 'text', '--model', 'run', '--data', 'book.txt', '--json', '/dev/full'],
      { cwd: home },
    )
    let stderr = ''
    child.stderr.on('data', (text: Buffer) => (stderr += text.toString()))
    child.once('close', (code) => resolve({ code, stdout: '', stderr }))
  })
  expect(done).toMatchObject({
    code: 1,
    stderr: 'mneme eval: /dev/full: cannot be written: no space is left on the device\n',
  })
})
