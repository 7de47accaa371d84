import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { loadConfig } from '../../server/config.ts'
import { temporaryFolder } from '../support/temporary.ts'

describe('the configuration', () => {
  test('takes flags over variables over the file over defaults', () => {
    const file = join(temporaryFolder(), 'config.json')
    writeFileSync(file, JSON.stringify({ port: 1, host: 'from-file', maxBatch: 3 }))
    const config = loadConfig(
      { port: '3', config: file },
      { MNEME_PORT: '2', MNEME_HOST: 'from-variable', MNEME_API_KEYS: 'a, b', PATH: 'x' },
    )
    expect(config).toMatchObject({
      port: 3,
      host: 'from-variable',
      maxBatch: 3,
      maxQueue: 64,
      apiKeys: ['a', 'b'],
      data: './data',
    })
  })

  test.each([
    [{ port: 'x' }, {}, /^the command line: setting 'port': /],
    [{ port: 70_000 }, {}, /'port'/],
    [{}, { MNEME_MAX_BATCH: '0' }, /^the environment: setting 'maxBatch': /],
    [{}, { MNEME_COLOUR: 'red' }, /^the environment: unknown setting 'colour'/],
    [{ config: '/nowhere.json' }, {}, /^\/nowhere\.json: expected a readable JSON file/],
  ])('refuses %j %j in one sentence', (flags, environment, message) => {
    expect(() => loadConfig(flags, environment)).toThrow(message)
  })

  test('refuses an unknown setting in the file', () => {
    const file = join(temporaryFolder(), 'config.json')
    writeFileSync(file, '{"ports": 1}')
    expect(() => loadConfig({ config: file }, {})).toThrow(/unknown setting 'ports'/)
  })
})
