import { cpSync, existsSync, mkdirSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { servedBundle } from '../../../exporter/import/served-bundle.ts'
import { loadBundle } from '../../../runtime/bundle.ts'
import { fixtures } from '../../support/published.ts'
import { temporaryFolder } from '../../support/temporary.ts'
import { writeTinyBundle } from '../../support/tiny-bundle.ts'

const silent = (): void => {}

test('a bundle is served as it is', async () => {
  const folder = await writeTinyBundle(temporaryFolder(), 'delta')
  expect(await servedBundle(folder, temporaryFolder(), silent)).toBe(folder)
})

test('what is neither there nor a model is refused in one sentence', async () => {
  const folder = temporaryFolder()
  await expect(servedBundle(join(folder, 'nowhere'), folder, silent)).rejects.toThrow(
    /expected a bundle folder.*nothing there/,
  )
  await expect(servedBundle(folder, folder, silent)).rejects.toThrow(/neither manifest\.json nor config\.json/)
})

describe.skipIf(!existsSync(fixtures))('a published model', () => {
  test('is imported when it is named for the first time, and again when a file of it has changed', async () => {
    const [source, models] = [join(temporaryFolder(), 'mine'), temporaryFolder()]
    cpSync(join(fixtures, 'models/qwen3'), source, { recursive: true })
    const said: string[] = []
    const first = await servedBundle(source, models, (line) => said.push(line))
    expect(said[0]).toContain(`importing ${source} into ${first}`)
    expect((await loadBundle(first)).manifest).toMatchObject({ name: 'mine', architecture: 'qwen3' })
    said.length = 0
    expect(await servedBundle(source, models, (line) => said.push(line))).toBe(first)
    expect(said).toEqual([])
    utimesSync(join(source, 'model.safetensors'), 1, 1)
    const second = await servedBundle(source, models, silent)
    expect(second).not.toBe(first)
    // As sentence-transformers keeps what its pooling does; the folder itself looks as before.
    mkdirSync(join(source, '1_Pooling'))
    writeFileSync(join(source, '1_Pooling/config.json'), '{"pooling_mode_mean_tokens":true}')
    const third = await servedBundle(source, models, silent)
    writeFileSync(join(source, '1_Pooling/config.json'), '{"pooling_mode_cls_token":true, "more":1}')
    expect(await servedBundle(source, models, silent)).not.toBe(third)
  })
})
