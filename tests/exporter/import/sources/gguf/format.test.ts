import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { fileTensors, mappedTensors } from '../../../../../exporter/import/sources/gguf/mapped-tensors.ts'
import { openGguf } from '../../../../../exporter/import/sources/gguf/open.ts'
import { openSource, SourceError } from '../../../../../exporter/import/sources/source.ts'
import { writeGguf, type GgufToWrite } from '../../../../support/gguf-writer.ts'
import { temporaryFolder } from '../../../../support/temporary.ts'

const values = Float32Array.of(1, 2, 3, 4, 5, 6)
const small: GgufToWrite = {
  metadata: { 'general.architecture': 'llama', 'tokens.list': ['a', 'b'], flag: true, half: { float: 0.5 } },
  tensors: [{ name: 'a', shape: [2, 3], data: values }],
}

function saved(bytes: Uint8Array, name = 'model.gguf', folder = temporaryFolder()): string {
  writeFileSync(join(folder, name), bytes)
  return join(folder, name)
}

/** The file's bytes with a number put at the place of a text that is found in it. */
function patched(after: string, number: bigint, distance = 0): Buffer {
  const bytes = writeGguf(small)
  bytes.writeBigUInt64LE(number, bytes.indexOf(after) + after.length + distance)
  return bytes
}

describe('a GGUF file', () => {
  test.each([2, 3])('of version %i gives its metadata and tensors', async (version) => {
    const file = await openGguf(saved(writeGguf({ ...small, version })))
    expect(Object.fromEntries(file.metadata)).toEqual({ ...small.metadata, half: 0.5 })
    const source = mappedTensors(fileTensors(file), file.path, () => file.close())
    expect(source.shape('a')).toEqual([2, 3])
    expect(await source.read('a')).toEqual(values)
    await source.close()
  })

  test('has another alignment where it says so', async () => {
    const metadata = { ...small.metadata, 'general.alignment': 256 }
    const file = await openGguf(saved(writeGguf({ ...small, metadata, alignment: 256 })))
    expect(await mappedTensors(fileTensors(file), '', () => file.close()).read('a')).toEqual(values)
    await file.close()
  })

  test('of several is one model, its first file standing for all', async () => {
    const folder = temporaryFolder()
    const part = (no: number, name: string): GgufToWrite => ({
      metadata: { 'general.architecture': 'llama', 'split.no': no, 'split.count': 2 },
      tensors: [{ name, shape: [6], data: values }],
    })
    const first = saved(writeGguf(part(0, 'a')), 'm-00001-of-00002.gguf', folder)
    await expect(openGguf(first)).rejects.toThrow('m-00002-of-00002.gguf: cannot be read')
    const second = saved(writeGguf(part(1, 'b')), 'm-00002-of-00002.gguf', folder)
    const file = await openGguf(first)
    expect([...file.tensors.keys()]).toEqual(['a', 'b'])
    await file.close()
    await expect(openGguf(second)).rejects.toThrow('give the first: NAME-00001-of-00002.gguf')
    saved(writeGguf(part(1, 'a')), 'm-00002-of-00002.gguf', folder)
    await expect(openGguf(first)).rejects.toThrow('tensor a: is in an earlier file too')
  })

  const bigEndian = Buffer.concat([Buffer.from('GGUF'), Buffer.from([0, 0, 0, 3]), Buffer.alloc(100)])
  const tensor = (change: object): Buffer => writeGguf({ ...small, tensors: [{ ...small.tensors[0]!, ...change }] })
  test.each([
    ['nothing', Buffer.alloc(0), 'expected a GGUF file, got 0 bytes'],
    ['another format', Buffer.alloc(100), 'expected a GGUF file, got another format'],
    ['big-endian numbers', bigEndian, 'is a big-endian GGUF file'],
    ['version 1', writeGguf({ ...small, version: 1 }), 'expected version 2 or 3 of GGUF, got 1'],
    ['version 4', writeGguf({ ...small, version: 4 }), 'expected version 2 or 3 of GGUF, got 4'],
    ['too many tensors', patched('GGUF', 2n ** 40n, 4), 'expected tensors that fit into'],
    ['too many entries', patched('GGUF', 2n ** 63n, 12), 'expected a size, got'],
    ['a text of terabytes', patched('general.architecture', 2n ** 42n, 4), 'got a text of 4398046511104 bytes'],
    ['an array of terabytes', patched('tokens.list', 2n ** 40n, 8), 'expected values of tokens.list that fit into'],
    ['a size of zero', tensor({ shape: [0, 3] }), 'expected sizes of at least 1'],
    ['a size beyond all', tensor({ shape: [2 ** 50, 2 ** 50] }), 'expected sizes of at least 1 that a file can hold'],
    ['five dimensions', tensor({ shape: [1, 1, 1, 2, 3] }), 'expected at most 4 dimensions, got 5'],
    ['a tensor beyond the end', tensor({ shape: [200, 3] }), 'expected 2400 bytes at byte'],
    ['an offset beyond the end', tensor({ offset: 2 ** 45 }), 'expected 24 bytes at byte'],
    ['an offset off the alignment', tensor({ offset: 4 }), 'expected an offset of a multiple of 32, got 4'],
    ['rows of half a block', tensor({ type: 2 }), 'expected rows of a multiple of 32 for Q4_0, got 3'],
    ['a type by name', tensor({ type: 16 }), 'tensor a: has type IQ2_XXS; can be read: F32, F16'],
    ['an unknown type', tensor({ type: 99 }), 'tensor a: has type 99'],
    [
      'a tensor twice',
      writeGguf({ ...small, tensors: [...small.tensors, ...small.tensors] }),
      'tensor a: is there twice',
    ],
    [
      'tensors that overlap',
      writeGguf({ ...small, tensors: [...small.tensors, { name: 'b', shape: [6], data: values, offset: 0 }] }),
      'overlaps the tensor before it',
    ],
    [
      'an alignment of no power of two',
      writeGguf({ ...small, metadata: { 'general.alignment': 48 } }),
      'general.alignment: expected a power of two',
    ],
  ])('with %s is refused', async (_, bytes, sentence) => {
    const path = saved(bytes)
    await expect(openGguf(path)).rejects.toThrow(SourceError)
    await expect(openGguf(path)).rejects.toThrow(sentence)
  })

  test('with a key twice is refused', async () => {
    const bytes = writeGguf({ ...small, metadata: { aa: 1, ab: 2 } })
    bytes.write('aa', bytes.indexOf('ab'))
    await expect(openGguf(saved(bytes))).rejects.toThrow('aa: is there twice')
  })

  test('of an unknown architecture is refused with those that are known', async () => {
    const metadata = { 'general.architecture': 'qwen4exp', 'qwen4exp.block_count': 1 }
    await expect(openSource(saved(writeGguf({ ...small, metadata })))).rejects.toThrow(
      'has the architecture qwen4exp; known: llama,',
    )
  })
})

const fixtures = join(import.meta.dirname, '../../../../../../shared/fixtures/gguf')
describe.skipIf(!existsSync(fixtures))('a damaged GGUF file', () => {
  const names = ['llama', 'qwen3_5', 'kimi_linear', 'qwen3_next-moe', 'granitemoehybrid']
  test.each(names)('of %s gives its tensors or one SourceError, wherever a byte changed', async (name) => {
    const whole = readFileSync(join(fixtures, name, `${name}.F16.gguf`))
    // Most of the file are weights, which may be anything
    const header = whole.indexOf('token_embd.weight') + 8000
    const folder = temporaryFolder()
    const damage = fc.record({
      at: fc.nat(header),
      bytes: fc.uint8Array({ minLength: 1, maxLength: 8 }),
      cut: fc.nat(9),
    })
    await fc.assert(
      fc.asyncProperty(damage, async ({ at, bytes, cut }) => {
        const damaged = Buffer.from(cut === 0 ? whole.subarray(0, at) : whole)
        if (cut > 0) damaged.set(bytes.subarray(0, whole.length - at), at)
        const path = saved(damaged, 'damaged.gguf', folder)
        await openSource(path).then(
          async ({ tensors }) => {
            for (const tensor of tensors.names.slice(0, 40)) await tensors.read(tensor)
            await tensors.close()
          },
          (error: unknown) => {
            if (!(error instanceof SourceError)) throw error
          },
        )
      }),
      { numRuns: 120 },
    )
  })

  test('whose metadata have other numbers gives a SourceError or another model, and no other error', async () => {
    for (const name of [...names, 'mamba2', 'falcon_h1', 'lfm2', 'nemotron_h-moe', 'gemma3']) {
      const whole = readFileSync(join(fixtures, name, `${name}.F16.gguf`))
      const folder = temporaryFolder()
      const keys = [
        ...whole
          .subarray(0, 20_000)
          .toString('latin1')
          .matchAll(new RegExp(String.raw`[a-z0-9_-]+\.[a-z_.]+(?=\u0004\0\0\0)`, 'g')),
      ]
      expect(keys.length, name).toBeGreaterThan(5)
      for (const { index, 0: key } of keys)
        for (const number of [0, 1, 7, 2 ** 32 - 1]) {
          const changed = Buffer.from(whole)
          changed.writeUInt32LE(number, index + key.length + 4)
          const opened = openSource(saved(changed, 'changed.gguf', folder))
          await opened.then(
            async ({ tensors }) => tensors.close(),
            (error: unknown) => expect(error, `${name} ${key} ${number}`).toBeInstanceOf(SourceError),
          )
        }
    }
  })
})
