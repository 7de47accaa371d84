import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { GgufModel } from '../../../../../exporter/import/sources/gguf/model.ts'
import { openGguf } from '../../../../../exporter/import/sources/gguf/open.ts'
import { ropeParameters } from '../../../../../exporter/import/sources/gguf/rope.ts'
import { writeGguf, type GgufValue } from '../../../../support/gguf-writer.ts'
import { temporaryFolder } from '../../../../support/temporary.ts'

/** rope_parameters of a file with these keys, and these divisors of the frequencies. */
async function ropeOf(keys: Record<string, GgufValue>, divisors?: readonly number[]): Promise<unknown> {
  const path = join(temporaryFolder(), 'rope.gguf')
  const named = Object.fromEntries(Object.entries(keys).map(([key, value]) => [`llama.rope.${key}`, value]))
  const data = Float32Array.from(divisors ?? [1])
  const metadata = { 'general.architecture': 'llama', 'llama.block_count': 1, ...named }
  writeFileSync(
    path,
    writeGguf({ metadata, tensors: [{ name: divisors ? 'rope_freqs.weight' : 'a', shape: [data.length], data }] }),
  )
  const file = await openGguf(path)
  try {
    return await ropeParameters(new GgufModel(file))
  } finally {
    await file.close()
  }
}

/** As llama.cpp's converter computes them from Llama 3's scaling. */
function llama3Divisors(theta: number, width: number, factor: number, length: number): number[] {
  return Array.from({ length: width / 2 }, (_, i) => {
    const wavelength = 2 * Math.PI * theta ** ((2 * i) / width)
    if (wavelength < length / 4) return 1
    if (wavelength > length) return factor
    const smooth = (length / wavelength - 1) / 3
    return 1 / ((1 - smooth) / factor + smooth)
  })
}

test('without a scaling there is a base only', async () => {
  expect(await ropeOf({})).toEqual({ rope_theta: 10_000, rope_type: 'default' })
  expect(await ropeOf({ freq_base: { float: 5e5 }, 'scaling.type': 'none' })).toEqual({
    rope_theta: 500_000,
    rope_type: 'default',
  })
})

test('linear and YaRN scaling are said as in a configuration', async () => {
  expect(await ropeOf({ 'scaling.type': 'linear', 'scaling.factor': { float: 8 } })).toMatchObject({
    rope_type: 'linear',
    factor: 8,
  })
  const yarn = { 'scaling.type': 'yarn', 'scaling.factor': { float: 32 }, 'scaling.original_context_length': 4096 }
  expect(await ropeOf({ ...yarn, 'scaling.yarn_beta_fast': { float: 32 } })).toEqual({
    rope_theta: 10_000,
    rope_type: 'yarn',
    factor: 32,
    original_max_position_embeddings: 4096,
    beta_fast: 32,
  })
})

test.each([
  [500_000, 128, 8, 8192],
  [500_000, 64, 32, 8192],
  [10_000, 16, 4, 64],
])(
  "Llama 3's scaling is found from the frequencies: base %i, width %i, factor %i, length %i",
  async (theta, width, factor, length) => {
    const found = await ropeOf({ freq_base: { float: theta } }, llama3Divisors(theta, width, factor, length))
    expect(found).toEqual({
      rope_theta: theta,
      rope_type: 'llama3',
      factor,
      low_freq_factor: 1,
      high_freq_factor: 4,
      original_max_position_embeddings: length,
    })
  },
)

test('other frequencies and scalings are refused', async () => {
  await expect(ropeOf({}, [1, 3, 2, 7])).rejects.toThrow("expected the frequencies of Llama 3's scaling, got others")
  const longrope = { 'scaling.type': 'longrope', 'scaling.factor': { float: 2 } }
  await expect(ropeOf(longrope)).rejects.toThrow('rope.scaling.type: expected none, linear or yarn, got "longrope"')
})
