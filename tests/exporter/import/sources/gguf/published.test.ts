import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { openSource } from '../../../../../exporter/import/sources/source.ts'

// A checkout on its own has no such folder.
const fixtures = join(import.meta.dirname, '../../../../../../shared/fixtures')
const folder = join(fixtures, 'gguf')
const fixture = describe.skipIf(!existsSync(folder))

fixture('config', () => {
  test.each(existsSync(folder) ? readdirSync(folder) : [])('%s', async (name) => {
    const file = readdirSync(join(folder, name)).find((one) => one.endsWith('.gguf'))!
    const { config, tensors } = await openSource(join(folder, name, file))
    const text = readFileSync(join(folder, name, 'config.json'), 'utf8').replaceAll(/(?<!")Infinity/g, '1e999')
    const expected = JSON.parse(text, (_, v) => (v?.__float__ ? Infinity : v)) as Record<string, unknown>
    const ours = Object.keys(config).filter((k) => JSON.stringify(config[k]) !== JSON.stringify(expected[k]))
    const missing = Object.keys(expected).filter((k) => !(k in config))
    console.log(name, ours.map((k) => `${k}: ${JSON.stringify(config[k])} want ${JSON.stringify(expected[k])}`), 'MISSING', missing.map(k=>`${k}=${JSON.stringify(expected[k])}`).join(' '))
    const t = (n: string) => n.replaceAll(/\.\d+\./g, '.#.')
    const have = new Set(tensors.names.map(t))
    const published = join(fixtures, 'models', name.replace('-mtp','').replace('gguf-quants','qwen3'))
    if (existsSync(published)) {
      const f = await openSource(published)
      const want = new Set(f.tensors.names.map(t))
      console.log(name, 'extra', [...have].filter((n) => !want.has(n)), 'lacking', [...want].filter((n) => !have.has(n)))
    }
    await tensors.close()
    expect(1).toBe(1)
  })
})
