/** The command `mneme bench`, on real server processes with small sizes. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { SITUATIONS, type NextTurn } from '../../../clients/bench/situations.ts'
import type { Metric } from '../../../clients/bench/speed.ts'
import { temporaryFolder } from '../../support/temporary.ts'
import { writeTinyBundle } from '../../support/tiny-bundle.ts'
import { runMneme } from '../cli/mneme-process.ts'
import { startGreedyServer } from '../greedy-server.ts'

const SMALL = ['--prompt', '48', '--gen', '6', '--depths', '8,32', '--concurrency', '3', '--rounds', '1']

interface Json {
  readonly machine: string
  readonly servers: readonly { readonly name: string; readonly version: string; readonly model: string }[]
  readonly speed: readonly Metric[]
  readonly turns: readonly NextTurn[]
}

/** Rows of a Markdown table by their first cells. */
const firstCells = (text: string): string[] => [...text.matchAll(/^\| ([^|]+) \|/gm)].map(([, cell]) => cell as string)

describe('mneme bench', () => {
  test('of the bundled model prints both tables, and every next turn computes its new tokens only', async () => {
    const temporary = temporaryFolder()
    const file = join(temporary, 'bench.json')
    const { code, stdout, stderr } = await runMneme(['bench', ...SMALL, '--lengths', '96', '--json', file], '', {
      TMPDIR: temporary,
      // Settings of the user's own server are not those of the one that is measured.
      MNEME_API_KEYS: 'secret',
    })
    expect([code, stderr]).toEqual([0, expect.stringContaining('after kill -9')])
    const { machine, servers, speed, turns } = JSON.parse(readFileSync(file, 'utf8')) as Json
    expect(machine).toMatch(/^\d+ x .* GiB of memory.*Node \d+/)
    expect(servers).toMatchObject([{ name: 'mneme', version: expect.stringMatching(/^mneme \d/), model: 'keeper' }])
    expect(firstCells(stdout)).toEqual(expect.arrayContaining(['pp48, tokens/s', 'tg, context 32, tokens/s', '96']))
    expect(speed.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['pp48', 'TTFT, 48 tokens', 'TPOT, context 8', 'output throughput, 3 streams']),
    )
    expect(speed.flatMap(({ samples }) => samples.flat()).every((value) => value > 0)).toBe(true)
    const measured = new Set(turns.map(({ situation }) => situation))
    expect(SITUATIONS.filter((situation) => !measured.has(situation))).toEqual([
      'after a restart, slot saved and restored, resent',
    ])
    for (const { situation, tokens, fresh, written } of turns) {
      // A stripped reply is followed by what the template writes before a reply, once more.
      expect([situation, tokens.prompt - tokens.cached - fresh]).toEqual([situation, expect.toBeOneOf([0, 1])])
      expect(written === null || written > 0).toBe(true)
    }
    // ONNX Runtime leaves files of its own there.
    expect(readdirSync(temporary).filter((name) => name.startsWith('mneme'))).toEqual([])
  })

  test('measures a running server beside another one, and leaves both running', async () => {
    const [url, other] = [await startGreedyServer(), await startGreedyServer()]
    const args = ['bench', '--url', `${url}/v1/`, '--peer', `other=${other}`, '--lengths', '64', ...SMALL]
    const { code, stdout } = await runMneme(args)
    expect(code).toBe(0)
    expect(stdout).toContain('- mneme: mneme')
    expect(stdout).toContain('- other: mneme')
    expect(stdout).toMatch(/\| pp48, tokens\/s \| .* \| .* \[\d+\.\d\dx\] \|/)
    expect(stdout).toMatch(/\| 64 \| resent whole \|/)
    expect(stdout).not.toContain('after kill -9')
    for (const address of [url, other]) expect((await fetch(`${address}/health`)).status).toBe(200)
  })

  test('measures one part where only that is asked for', async () => {
    const url = await startGreedyServer()
    const speed = await runMneme(['bench', '--url', url, '--only', 'speed', ...SMALL])
    expect(speed.stdout).toContain('Speed, medians')
    expect(speed.stdout).not.toContain('next turn')
    const turns = await runMneme(['bench', '--url', url, '--only', 'turns', '--lengths', '32', '--rounds', '1'])
    expect(turns.stdout).toContain('| 32 | continued by id |')
    expect(turns.stdout).not.toContain('Speed, medians')
  })

  test('leaves out conversations that are longer than the model takes, and says so', async () => {
    const bundle = await writeTinyBundle(temporaryFolder(), 'delta')
    const manifest = JSON.parse(readFileSync(join(bundle, 'manifest.json'), 'utf8')) as object
    writeFileSync(join(bundle, 'manifest.json'), JSON.stringify({ ...manifest, maxTokens: 2048 }))
    const args = ['bench', bundle, '--only', 'turns', '--lengths', '4096', '--rounds', '1']
    const { code, stderr } = await runMneme(args)
    expect(code).toBe(0)
    expect(stderr).toMatch(/conversations of 4096 tokens are left out: .* delta is served with 2048/)
  })
})

describe('mneme bench says in one sentence', () => {
  const fails = async (args: readonly string[], expected: [code: number, message: RegExp]) => {
    const { code, stdout, stderr } = await runMneme(['bench', ...args])
    expect([code, stderr, stdout]).toEqual([expected[0], expect.stringMatching(expected[1]), ''])
    expect(stderr.trim().split('\n')).toHaveLength(1)
  }

  test('that no server is there', () =>
    fails(['--url', 'http://127.0.0.1:9'], [1, /There is no server at http:\/\/127\.0\.0\.1:9\. Start one there/]))

  test('that an address is none', () =>
    fails(['--url', 'localhost'], [2, /--url: expected http:\/\/HOST:PORT, got 'localhost'/]))

  test('that the server has no such model, and which it has', async () => {
    const url = await startGreedyServer()
    await fails(['--url', url, '--model', 'gpt-9'], [1, /expected one of the models fake, got gpt-9/])
  })

  test('that a model is not there', () =>
    fails(['nowhere'], [1, /nowhere: expected a bundle folder, .* got nothing there/]))

  test('that a model and an address were given', () =>
    fails(['some.gguf', '--url', 'http://127.0.0.1:9'], [2, /expected a model to serve or --url, got both/]))

  test('that a peer is of no known form', () =>
    fails(['--peer', 'vllm'], [2, /expected NAME=http:\/\/HOST:PORT, llama-server/]))

  test('that a peer is not installed', async () => {
    const { code, stderr } = await runMneme(['bench', '--peer', 'llama-server'], '', { PATH: '/nowhere' })
    expect([code, stderr]).toEqual([2, expect.stringContaining('expected llama-server on the PATH, found none')])
  })

  test('that a peer is no such program', () =>
    fails(
      ['some', '--peer', `llama-server=/bin/false:${import.meta.dirname}/../../../nothing.gguf`],
      [2, /expected a GGUF file, got nothing at/],
    ))

  test('that a peer lacks the model as GGUF', () =>
    fails(
      ['--peer', 'llama-server=/bin/false'],
      [2, /expected a GGUF file of the same model, as in llama-server=\/bin\/false:MODEL\.gguf/],
    ))

  test('that two peers have one name', async () => {
    const url = await startGreedyServer()
    await fails(['--url', url, '--peer', `mneme=${url}`], [2, /--peer: expected names that differ, got mneme twice/])
  })

  test('that a number is none', () => fails(['--rounds', 'many'], [2, /Expected a whole number above 0/]))
})
