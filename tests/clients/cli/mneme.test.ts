import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { families } from '../../../models/families/registry.ts'
import { architectures } from '../../../models/registry.ts'
import { temporaryFolder } from '../../support/temporary.ts'
import { runMneme, sourceBin, startMneme } from './mneme-process.ts'

const root = new URL('../../../', import.meta.url)

/** Our own folders and files that a command line loads, by what V8 saw run. */
async function loadedBy(args: readonly string[]): Promise<string[]> {
  const folder = temporaryFolder()
  await runMneme(args, '', { NODE_V8_COVERAGE: folder }, sourceBin)
  const scripts = readdirSync(folder).flatMap((file) => {
    const { result } = JSON.parse(readFileSync(join(folder, file), 'utf8')) as { result: { url: string }[] }
    return result.map(({ url }) => url)
  })
  return scripts
    .filter((url) => url.startsWith(root.href) && !url.includes('node_modules'))
    .map((url) => url.slice(root.href.length).replace(/\?.*/, ''))
}

const folderOf = (path: string): string => path.split('/')[0] ?? ''

describe('what a command loads', () => {
  test('help loads no command', async () => {
    expect((await loadedBy(['--help'])).toSorted()).toEqual(['clients/cli/bin.js', 'clients/cli/mneme.ts'])
  })

  test('serve loads the server and the runtime, and no trainer', async () => {
    const loaded = await loadedBy(['serve', '--help'])
    expect(loaded).toContain('server/cli.ts')
    expect([...new Set(loaded.map(folderOf))].toSorted()).toEqual(['clients', 'runtime', 'server'])
  })

  test('chat loads clients only', async () => {
    const loaded = await loadedBy(['chat', '--help'])
    expect(loaded).toContain('clients/typescript/client.ts')
    expect([...new Set(loaded.map(folderOf))]).toEqual(['clients'])
  })

  test('tokenizer loads neither the server nor the training loop', async () => {
    const loaded = await loadedBy(['tokenizer', '--help'])
    expect(loaded).toContain('trainer/tokenizer/cli.ts')
    expect(loaded.filter((path) => folderOf(path) === 'server' || path === 'trainer/run/train.ts')).toEqual([])
  })
})

describe('exit codes', () => {
  test('0 and the version, alone, on stdout', async () => {
    const { version } = JSON.parse(readFileSync(new URL('package.json', root), 'utf8')) as { version: string }
    expect(await runMneme(['--version'])).toEqual({ code: 0, stdout: `${version}\n`, stderr: '' })
  })

  test.each(['serve', 'chat', 'train', 'export', 'eval', 'tokenizer', 'tokenize'])(
    '0 for the help of %s',
    async (name) => {
      const { code, stdout, stderr } = await runMneme([name, '--help'])
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
      expect(stdout).toContain(`Usage: mneme ${name} `)
    },
  )

  test('the help of train has every setting of a recipe, every option of our architectures, and the families by name', async () => {
    const { stdout } = await runMneme(['train', '--help'])
    for (const setting of ['optimizer.bits=32', 'precision="float32"', 'schedule.kind="cosine"'])
      expect(stdout).toContain(setting)
    for (const name of families.keys()) expect(stdout).toMatch(new RegExp(`FAMILY --help\\): .*\\b${name}\\b`))
    for (const { name, fields } of architectures.values()) {
      if (families.has(name)) continue
      const own = stdout.slice(stdout.indexOf(`Options of ${name},`)).split('\n\n')[0]!
      for (const option of Object.keys(fields)) if (option !== 'vocab') expect(own).toContain(`  ${option}=`)
    }
  })

  test.each([
    [[], /^Usage: mneme /],
    [['eval', 'keeper', '--model', 'x', '--conditions', 'foo'], /Expected some of train, heldout, .*got foo\./],
    [['eval', 'keeper', '--model', 'x', '--facts', '0'], /Expected whole numbers from 1 to 172\./],
    [['eval', 'mqar', '--model', 'x', '--sequences', '0'], /Expected a whole number above 0\./],
    [['train', 'delta', '--threads', '100000'], /Expected 1 to 256\./],
    [['srve'], /^mneme: unknown command 'srve'\. Did you mean serve\? See mneme --help\.\n$/],
    [['serve', '--colour'], /^mneme serve: unknown option '--colour'\. See mneme serve --help\.\n$/],
    [['tokenizer'], /^mneme tokenizer: required option '--out <dir>' not specified\. See mneme tokenizer --help\.\n$/],
    [['serve', '--port', 'x'], /port/],
  ])('2 and a sentence on stderr for wrong use: %j', async (args, sentence) => {
    const { code, stdout, stderr } = await runMneme(args)
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toMatch(sentence)
  })

  test('1 and one sentence when something failed, with a stack trace only when asked', async () => {
    const args = ['tokenizer', '--out', join(temporaryFolder(), 'out')]
    const plain = await runMneme(args)
    expect(plain).toMatchObject({ code: 1, stdout: '' })
    expect(plain.stderr).toMatch(/^mneme tokenizer: [^\n]+\n$/)
    const verbose = await runMneme([...args, '--verbose'])
    expect(verbose.stderr.startsWith(plain.stderr)).toBe(true)
    expect(verbose.stderr).toMatch(/\n {4}at .*trainer\/tokenizer\/cli\.[jt]s/)
  })
})

test('serve says one line, and a signal to it stops it with exit code 0', async () => {
  const server = startMneme(['serve', '--port', '0', '--data', temporaryFolder(), '--log-level', 'error'])
  const said = await server.until(/http:\S+\n/)
  expect((await fetch(`${said.trim()}/readyz`)).status).toBe(200)
  server.signal('SIGTERM')
  const { code, stdout, stderr } = await server.done
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  expect(stdout).toMatch(/^mneme: listening on http:\/\/127\.0\.0\.1:\d+\n$/)
})

test('bin.js can be run by its name', () => {
  const bin = readFileSync(fileURLToPath(new URL('clients/cli/bin.js', root)), 'utf8')
  expect(bin.startsWith('#!/usr/bin/env node\n')).toBe(true)
})
