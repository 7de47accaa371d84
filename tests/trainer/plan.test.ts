/** What a user is told before the first step: what a run would take, what it would not train, and how far it is. */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { startMneme } from '../clients/cli/mneme-process.ts'

const home = mkdtempSync(join(tmpdir(), 'mneme-plan-test-'))
afterAll(() => rmSync(home, { recursive: true }))
const book = join(home, 'book.txt')
writeFileSync(book, 'The keeper wrote down what it was told, and told what it had written.\n'.repeat(90))

const temporary = join(home, 'temporary')
mkdirSync(temporary)

const set = (...settings: string[]): string[] => settings.flatMap((setting) => ['--set', setting])
const train = (recipe: string, out: string, ...more: string[]) =>
  startMneme(['train', recipe, '--data', book, '--out', join(home, out), '--threads', '1', ...more], {
    TMPDIR: temporary,
  })

describe('a dry run', () => {
  test('says what the run would take, and writes nothing', async () => {
    const settings = set('sequenceLength=64', 'batch=2', 'model.width=32', 'model.heads=2', 'model.layers=2')
    const { code, stdout, stderr } = await train('rsm', 'dry', '--dry-run', ...settings).done
    expect([code, stderr]).toEqual([0, ''])
    expect(stdout).toMatch(/^rsm, nothing is trained\nparameters +[\d,]+\nstate of a session +\d[\d.]* KB\n/)
    expect(stdout).toMatch(/\nmemory of a step, about +\d[\d.]* MB\n +parameters, moments, state +\d[\d.]* (KB|MB)\n/)
    expect(stdout).toMatch(/\noperations of its graph +[\d,]+ \(\d+ KB\)\ntime to compile it, about +1 s\n/)
    expect(stdout).toMatch(/sequenceLength=64 is one chunk, .*blocks\.\{0,1\}\.write\.take.*; take at least 128\n$/)
    expect(existsSync(join(home, 'dry'))).toBe(false)
    expect(readdirSync(temporary)).toEqual([])
  })

  test.each([['--dry-run'], ['--seed=1']])(
    'and a run refuse what no memory holds, in a sentence (%s)',
    async (flag) => {
      const settings = set('model.width=65536', 'model.layers=1024')
      const { code, stderr } = await train('vanilla', 'absurd', flag, ...settings).done
      expect(code).toBe(2)
      expect(stderr).toMatch(
        /^mneme train: model: a training step needs 496 TB for parameters, moments and state; this machine has [\d.]+ [MG]B\. Take a smaller model or batch\n$/,
      )
    },
  )

  test('and a run refuse rows whose values no memory holds, and say what makes them smaller', async () => {
    const settings = set('batch=512', 'sequenceLength=65536')
    const { code, stderr } = await train('vanilla', 'long', ...settings).done
    expect(code).toBe(2)
    expect(stderr).toMatch(
      /and \d[\d.]* TB of values; .*Take a smaller model or batch, shorter rows \(sequenceLength\), or recompute=2/,
    )
  })
})

test('what a run does not train is said before it, and found after it, also in its report', async () => {
  const small = set(
    'sequenceLength=64',
    'batch=1',
    'model.width=16',
    'model.heads=2',
    'model.layers=1',
    'model.slots=4',
  )
  const { code, stderr } = await train('rsm', 'untrained', '--steps', '2', ...small, ...set('schedule.warmup=1')).done
  expect([code, stderr.indexOf('is one chunk') < stderr.indexOf('step 2/2')]).toEqual([0, true])
  expect(stderr).toMatch(/step 2\/2[^]*the gradient was exactly zero in all updates: .*blocks\.0\.write\.take/)
  const report = readFileSync(join(home, 'untrained', 'report.md'), 'utf8')
  expect(report).toMatch(/^- sequenceLength=64 is one chunk, .*blocks\.0\.write\.take.* take at least 128$/m)
  expect(report).toMatch(/^- the gradient was exactly zero in all updates: .*blocks\.0\.write\.take/m)
})

test('compiling says how far it is, and ends with the signal', async () => {
  const deep = set('model.layers=128', 'model.width=16', 'model.heads=2', 'model.hidden=16', 'sequenceLength=16')
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    const run = train('vanilla', signal, ...deep, ...set('batch=1'))
    await run.until(/compiling a step of \d{5,} operations: \d+ s/)
    run.signal(signal)
    const { code, stdout, stderr } = await run.done
    expect([code, stdout]).toEqual([signal, ''])
    expect(stderr, 'it was still compiling').not.toContain('compiled step')
  }
})
