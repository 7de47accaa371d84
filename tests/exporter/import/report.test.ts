import { existsSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { importModel } from '../../../exporter/import/import.ts'
import { reportQuantization } from '../../../exporter/import/report.ts'
import { fixtures } from '../../support/published.ts'
import { temporaryFolder } from '../../support/temporary.ts'

test.skipIf(!existsSync(fixtures))('few bits are reported with their size, perplexity and divergence', async () => {
  const folder = temporaryFolder()
  const text = join(folder, 'text.txt')
  writeFileSync(text, 'The quick brown fox jumps over the lazy dog, again and again. '.repeat(8))
  const source = join(fixtures, 'gguf/gguf-quants/gguf-quants.BF16.gguf')
  const of = async (quantization: 'int8' | 'int4') => {
    const options = { source, out: join(folder, quantization), quantization }
    await importModel(options)
    return reportQuantization(options, text)
  }
  const [eight, four] = [await of('int8'), await of('int4')]
  expect(four.bytes.float32).toBe(eight.bytes.float32)
  expect(four.bytes.quantized).toBeLessThan(eight.bytes.quantized)
  expect(eight.bytes.quantized).toBeLessThan(eight.bytes.float32)
  expect(four.perplexity.float32).toBe(eight.perplexity.float32)
  expect(eight.divergence).toBeGreaterThan(0)
  expect(eight.divergence).toBeLessThan(four.divergence)
  expect(readdirSync(folder).toSorted()).toEqual(['int4', 'int8', 'text.txt'])
})
