import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { fileTensors, mappedTensors } from '../../../../../exporter/import/sources/gguf/mapped-tensors.ts'
import { openGguf } from '../../../../../exporter/import/sources/gguf/open.ts'

// Made by llama.cpp's converter and quantiser; a checkout on its own has no such folder.
const fixtures = join(import.meta.dirname, '../../../../../../shared/fixtures/gguf')
interface Reference {
  files: Record<string, { tensors: Record<string, { type: string; shape: number[]; sha256: string }> }>
}

describe.skipIf(!existsSync(fixtures))('tensors of GGUF files', () => {
  const names = existsSync(fixtures) ? readdirSync(fixtures) : []
  test.each(names)('%s: every tensor of every file has the bits that gguf-py dequantises', async (name) => {
    const reference = JSON.parse(readFileSync(join(fixtures, name, 'reference.json'), 'utf8')) as Reference
    for (const [kind, { tensors: expected }] of Object.entries(reference.files)) {
      const path = join(fixtures, name, `${name}.${kind}.gguf`)
      // The quantised files' own source is not among the fixtures
      if (name === 'gguf-quants' && kind === 'F32') continue
      const file = await openGguf(path)
      const source = mappedTensors(fileTensors(file), file.path, file.close)
      expect([...source.names].toSorted()).toEqual(Object.keys(expected).toSorted())
      for (const [tensor, { type, shape, sha256 }] of Object.entries(expected)) {
        expect(file.tensors.get(tensor)!.type.name).toBe(type)
        expect(source.shape(tensor)).toEqual(shape)
        expect(hash(await source.read(tensor)), `${kind} ${tensor}`).toBe(sha256)
      }
      await source.close()
    }
  })

  test.each(['Q4_0', 'Q4_1', 'Q4_K', 'Q8_0'])('%s blocks are scale * q + minimum, exactly', async (kind) => {
    const file = await openGguf(join(fixtures, 'gguf-quants', `gguf-quants.${kind}.gguf`))
    const source = mappedTensors(fileTensors(file), file.path, file.close)
    let compared = 0
    for (const name of source.names) {
      const blocks = await source.blocks(name)
      expect(blocks !== undefined, name).toBe(file.tensors.get(name)!.type.name === kind)
      if (!blocks) continue
      const { q, scale, minimum, bits } = blocks
      const values = Float32Array.from(q, (n, i) => scale[i >> 5]! * n + minimum[i >> 5]!)
      // Equal numbers: a product of zero may have either sign
      expect(values.map((v) => v + 0)).toEqual((await source.read(name)).map((v) => v + 0))
      expect(Math.max(...q.subarray(0, 4096))).toBeLessThan(2 ** bits)
      compared++
    }
    expect(compared).toBeGreaterThan(5)
    await source.close()
  })

  test.each(['token_embd.weight', 'output_norm.weight'])('%s in Q5_K has no blocks to keep, but rows', async (name) => {
    const file = await openGguf(join(fixtures, 'gguf-quants', `gguf-quants.Q5_K.gguf`))
    const source = mappedTensors(fileTensors(file), file.path, file.close)
    expect(await source.blocks(name)).toBeUndefined()
    const whole = await source.read(name)
    const width = source
      .shape(name)
      .slice(1)
      .reduce((a, b) => a * b, 1)
    expect(await source.readRows(name, 2, 5)).toEqual(whole.subarray(2 * width, 5 * width))
    await source.close()
  })
})

function hash(values: Float32Array): string {
  return createHash('sha256')
    .update(new Uint8Array(values.buffer, values.byteOffset, values.byteLength))
    .digest('hex')
}
