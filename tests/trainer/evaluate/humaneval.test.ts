/** Programs that a model wrote: run for real, and kept from everything else. */
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { openSandbox } from '../../../trainer/evaluate/sandbox.ts'
import { humanEvalSuite } from '../../../trainer/evaluate/suites/humaneval.ts'
import { temporaryFolder } from '../../support/temporary.ts'
import { startTestServer } from '../../support/test-server.ts'

const hasBubblewrap = existsSync('/usr/bin/bwrap')
const quiet = { report: () => undefined, note: () => undefined, end: () => undefined }

describe.skipIf(!hasBubblewrap)('a sandbox', () => {
  test('passes what ends well and fails what raises, does not compile, or exits otherwise', async () => {
    const sandbox = await openSandbox()
    const ran = ['assert 1 + 1 == 2', 'assert False', 'def', 'import sys; sys.exit(3)'].map((text) => sandbox.run(text))
    expect(await Promise.all(ran)).toEqual(['passed', 'failed', 'failed', 'failed'])
  })

  test('has no network, not even this machine', async () => {
    const listener = createServer().listen(0, '127.0.0.1')
    await new Promise((resolve) => listener.once('listening', resolve))
    const { port } = listener.address() as AddressInfo
    const connect = `import socket; socket.create_connection(("127.0.0.1", ${port}), 3)`
    expect(execFileSync('python3', ['-c', `${connect}; print("reached")`]).toString()).toBe('reached\n')
    expect(await (await openSandbox()).run(connect)).toBe('failed')
    listener.close()
  })

  test('sees none of the files of its user, and leaves none behind', async () => {
    const folder = temporaryFolder()
    const [secret, left] = [join(folder, 'secret'), '/tmp/mneme-sandbox-test']
    writeFileSync(secret, 'secret')
    rmSync(left, { force: true })
    const sandbox = await openSandbox()
    expect(await sandbox.run(`open(${JSON.stringify(secret)}).read()`)).toBe('failed')
    expect(await sandbox.run(`open(${JSON.stringify(join(folder, 'new'))}, "w")`)).toBe('failed')
    expect(
      await sandbox.run(`open(${JSON.stringify(left)}, "w").write("here"); open(${JSON.stringify(left)}).read()`),
    ).toBe('passed')
    expect([existsSync(left), readFileSync(secret, 'utf8')]).toEqual([false, 'secret'])
    expect(await sandbox.run('import os; assert "HOME" not in os.environ and os.getpid() < 10')).toBe('passed')
  })

  test('ends what does not end, what takes all memory, and what multiplies', async () => {
    const sandbox = await openSandbox({ seconds: 1, bytes: 512 * 1024 ** 2 })
    expect(await sandbox.run('while True: pass')).toBe('timed out')
    expect(await sandbox.run('import time; time.sleep(1000)')).toBe('timed out')
    expect(await sandbox.run('x = bytearray(2 * 1024 ** 3)')).toBe('failed')
    expect(await sandbox.run('import os\nwhile True: os.fork()')).not.toBe('passed')
    expect(await sandbox.run('assert True')).toBe('passed')
  })
})

test.skipIf(!hasBubblewrap)('humaneval counts the functions that pass their tests, cut where they end', async () => {
  const bodies = ['\n    return a + b\n\ndef other():', '\n    return a - b\nprint(1)']
  const next = (history: readonly number[]): number => {
    const text = history.map((id) => (id < 256 ? String.fromCharCode(id) : '|')).join('')
    const [said = '', body = ''] = text.includes('def add')
      ? [text.split('):').at(-1), bodies[0]]
      : [text.split('):').at(-1), bodies[1]]
    return body.charCodeAt(said.length) || 256
  }
  const url = await (await startTestServer({ append: true, next })).listen()
  const data = join(temporaryFolder(), 'problems.jsonl')
  const problem = (name: string): string =>
    JSON.stringify({
      task_id: name,
      prompt: `def ${name}(a, b):\n`,
      entry_point: name,
      test: 'def check(f):\n    assert f(2, 3) == 5\n',
    })
  writeFileSync(data, `${problem('add')}\n${problem('plus')}\n`)
  const flags = { url, data, seed: 1, limit: Infinity, concurrency: 2, maxTokens: 60 }
  const { result } = await humanEvalSuite.measure(flags, quiet)
  expect(result).toMatchObject({
    scores: { 'pass@1': { accuracy: { right: 1, asked: 2 } } },
    outcomes: {
      'pass@1': {
        outcomes: [
          { id: 'add', isRight: true },
          { id: 'plus', isRight: false },
        ],
      },
    },
    programs: ['\n    return a + b\n', '\n    return a - b'],
  })
})
