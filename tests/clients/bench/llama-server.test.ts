/** llama.cpp's server as a peer, by a program that takes its options and answers as it does. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { llamaContender, llamaVersion } from '../../../clients/bench/llama-server.ts'
import { measureNextTurns } from '../../../clients/bench/next-turn.ts'
import type { Situation } from '../../../clients/bench/situations.ts'
import { temporaryFolder } from '../../support/temporary.ts'

const program = join(import.meta.dirname, '../../support/fake-llama-server.mjs')

test('is started, restarted, put to sleep and given its slot back; what it computes again is counted', async () => {
  const data = temporaryFolder()
  const gguf = join(data, 'model.gguf')
  writeFileSync(gguf, '')
  const contender = llamaContender({ program, gguf, data, tokens: 4096, concurrency: 2, args: ['--threads', '2'] })
  const options = { lengths: [200], rounds: 2, restarts: 1 }
  const turns = await measureNextTurns([contender], options, () => undefined)
  const computed = (situation: Situation): boolean[] =>
    turns
      .filter((turn) => turn.situation === situation)
      // Two tokens: texts do not end where tokens do.
      .map(({ tokens, fresh }) => tokens.prompt - tokens.cached <= fresh + 2)
  expect(computed('first turn, chat')).toEqual([true])
  expect(computed('resent whole')).toEqual([true, true])
  expect(computed('after a restart, resent')).toEqual([false])
  expect(computed('after a restart, slot saved and restored, resent')).toEqual([true])
  expect(computed('after kill -9, resent')).toEqual([false])
  expect(computed('after the model was unloaded, resent')).toEqual([false])
  expect(turns.filter(({ situation }) => situation.endsWith('by id'))).toEqual([])
})

test('its version is what it says; what is no such program is named', () => {
  expect(llamaVersion(program)).toBe('llama.cpp 1234 (abcdef0)')
  expect(() => llamaVersion('/nowhere/llama-server')).toThrow("/nowhere/llama-server: expected llama.cpp's server")
  expect(() => llamaVersion('/bin/false')).toThrow("/bin/false: expected llama.cpp's server, got exit code 1")
})

test('a program that ends before it answers is named with what it said', async () => {
  const data = temporaryFolder()
  const broken = join(data, 'broken')
  writeFileSync(broken, '#!/bin/sh\necho "no such model" >&2\nexit 3\n', { mode: 0o755 })
  const { server } = llamaContender({ program: broken, gguf: 'model.gguf', data, tokens: 512, concurrency: 1 })
  await expect(server?.start('turns')).rejects.toThrow(/broken could not be started: .*exit code 3\n {2}no such model/)
})
