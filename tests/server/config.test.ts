import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { serveCommand } from '../../server/cli.ts'
import { configSchema, loadConfig } from '../../server/config.ts'
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

  test('takes lists by the name of the option and in the plural, both together', () => {
    expect(loadConfig({}, { MNEME_API_KEY: 'a', MNEME_ALLOWED_HOST: 'x.test' })).toMatchObject({
      apiKeys: ['a'],
      allowedHosts: ['x.test'],
    })
    expect(loadConfig({}, { MNEME_API_KEY: 'a', MNEME_API_KEYS: 'b,c' }).apiKeys.toSorted()).toEqual(['a', 'b', 'c'])
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

  test('listens beyond this machine only with keys, or where everybody is meant', () => {
    for (const host of ['127.0.0.1', 'localhost', '::1', '[::1]', '127.9.9.9']) {
      expect(loadConfig({ host }, {}).host).toBe(host)
    }
    for (const host of ['0.0.0.0', '::', '192.168.1.2', 'mneme.example', '127.0.0.1.example']) {
      expect(() => loadConfig({ host }, {})).toThrow(/no API keys.*--allow-anonymous/)
      expect(loadConfig({ host, apiKeys: ['k'] }, {}).host).toBe(host)
      expect(loadConfig({ host, keysFile: 'keys.json' }, {}).host).toBe(host)
      expect(loadConfig({ host }, { MNEME_ALLOW_ANONYMOUS: 'true' }).host).toBe(host)
    }
    expect(() => loadConfig({ host: '0.0.0.0' }, { MNEME_ALLOW_ANONYMOUS: 'no' })).toThrow(/no API keys/)
  })

  test('takes origins as browsers send them, and all of them only with keys', () => {
    const origins = (allowedOrigins: string, more = {}) => loadConfig({ allowedOrigins, ...more }, {}).allowedOrigins
    expect(origins('http://localhost:3000, https://a.example')).toEqual(['http://localhost:3000', 'https://a.example'])
    for (const wrong of ['localhost:3000', 'http://localhost:3000/', 'http://a.example/app', 'null'])
      expect(() => origins(wrong)).toThrow(/as a browser sends them/)
    expect(() => origins('*')).toThrow(/every web page/)
    expect(origins('*', { apiKeys: ['k'] })).toEqual(['*'])
  })

  test.each([
    ['4000000000', 4e9],
    ['8GB', 8e9],
    ['512MiB', 512 * 2 ** 20],
    ['1.5g', 1.5e9],
    ['2 KiB', 2048],
    ['100B', 100],
  ])('takes %s as bytes of memory', (memory, bytes) => {
    expect(loadConfig({ memory }, {}).memory).toBe(bytes)
    expect(loadConfig({}, { MNEME_MEMORY: memory }).memory).toBe(bytes)
  })

  test.each(['', '0', '-1GB', '8 apples', 'GB', '1e9', '8GBB'])('refuses %j as bytes of memory', (memory) => {
    expect(() => loadConfig({ memory }, {})).toThrow(/^the command line: setting 'memory': expected a number of bytes/)
  })

  test('has no memory budget where none is given', () => {
    expect(loadConfig({}, {}).memory).toBeUndefined()
  })

  test('has an option for every setting, and the documentation has both', () => {
    const document = readFileSync(new URL('../../docs/configuration.md', import.meta.url), 'utf8')
    const options = new Set(serveCommand((named) => Promise.resolve(named)).options.map(({ long }) => long))
    for (const setting of Object.keys(configSchema.shape)) {
      if (setting === 'bundles') continue // an argument
      const kebab = setting.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
      const option = options.has(`--${kebab}`) ? `--${kebab}` : `--${kebab.replace(/s$/, '')}`
      expect([setting, options.has(option)]).toEqual([setting, true])
      expect([setting, document.includes(`\`${option}\``), document.includes(`\`${setting}\``)]).toEqual([
        setting,
        true,
        true,
      ])
    }
  })
})
