import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createTensor, type Dtype, type Tensor } from '../../runtime/tensor.ts'
import { decodeSafetensors, encodeSafetensors, readSafetensors } from '../../trainer/safetensors.ts'

const folder = mkdtempSync(join(tmpdir(), 'mneme-safetensors-'))
const python = process.env['MNEME_PYTHON'] ?? 'python3'
const hasPython = spawnSync(python, ['-c', 'import safetensors.numpy']).status === 0

const dtype = fc.constantFrom<Dtype>('float32', 'float16', 'int64', 'int32', 'int8', 'uint8')
const tensor = fc.tuple(dtype, fc.array(fc.nat(4), { maxLength: 3 }), fc.nat()).map(([kind, dims, seed]) => {
  const made = createTensor(kind, dims)
  new Uint8Array(made.data.buffer, made.data.byteOffset, made.data.byteLength).forEach((_, i, bytes) => {
    bytes[i] = (seed * 31 + i * 7) % 120
  })
  return made
})
const tensors = fc.dictionary(
  fc.string().filter((name) => name !== '__metadata__' && name !== '__proto__'),
  tensor,
)

describe('safetensors', () => {
  test('what is written is read back, from memory and from a file, whatever the names', async () => {
    await fc.assert(
      fc.asyncProperty(tensors, async (written) => {
        const bytes = Buffer.concat(encodeSafetensors(written, { by: 'a test' }))
        const path = join(folder, 'round.safetensors')
        writeFileSync(path, bytes)
        for (const { tensors: read, metadata } of [decodeSafetensors(bytes), await readSafetensors(path)]) {
          expect(plain(read)).toEqual(plain(written))
          expect(metadata).toEqual({ by: 'a test' })
        }
      }),
      { numRuns: 60 },
    )
  })

  test('equal contents give equal bytes, whatever the order of the keys', () => {
    const a = createTensor('float32', [2], [1, 2])
    const b = createTensor('uint8', [3], [1, 2, 3])
    expect(Buffer.concat(encodeSafetensors({ a, b }))).toEqual(Buffer.concat(encodeSafetensors({ b, a })))
  })

  test('a header of 2^63 bytes is refused in one sentence and allocates nothing', async () => {
    const bytes = Buffer.alloc(16)
    bytes.writeBigUInt64LE(2n ** 63n)
    const path = join(folder, 'huge.safetensors')
    writeFileSync(path, bytes)
    expect(() => decodeSafetensors(bytes)).toThrow('header: expected at most 100000000 bytes, got 9223372036854775808')
    await expect(readSafetensors(path)).rejects.toThrow('huge.safetensors: header: expected at most')
  })

  test.each([
    ['too short', Buffer.alloc(3), 'expected at least 8 bytes, got 3'],
    ['header beyond the end', file('{}', 0, 50), 'header: expected 50 bytes, got 2'],
    ['not JSON', file('{"a":'), 'header: '],
    ['not an object', file('[1]'), 'it is not an object'],
    ['not UTF-8', Buffer.concat([length(2), Buffer.from([0x22, 0xff])]), 'header: '],
    [
      'a key twice',
      file(`{"a":${entry('U8', [1], 0, 1)},"a":${entry('U8', [1], 0, 1)}}`, 1),
      'the key "a" is there twice',
    ],
    ['unknown type', file(`{"a":${entry('F64', [1], 0, 8)}}`, 8), 'tensor a: expected a type of F32'],
    ['negative size', file(`{"a":${entry('U8', [-1], 0, 1)}}`, 1), 'expected a shape of whole numbers, got [-1]'],
    ['wrong size', file(`{"a":${entry('F32', [2], 0, 4)}}`, 4), 'tensor a: expected 8 bytes for [2], got 4'],
    ['offsets reversed', file(`{"a":${entry('U8', [1], 1, 0)}}`, 1), 'expected two offsets, got [1,0]'],
    ['a gap', file(`{"a":${entry('U8', [1], 1, 2)}}`, 2), 'tensor a: expected it to begin at 0, got 1'],
    [
      'an overlap',
      file(`{"a":${entry('U8', [2], 0, 2)},"b":${entry('U8', [2], 1, 3)}}`, 3),
      'tensor b: expected it to begin at 2, got 1',
    ],
    ['bytes missing', file(`{"a":${entry('U8', [4], 0, 4)}}`, 3), 'expected 4 bytes of tensors, got 3'],
    ['bytes too many', file(`{"a":${entry('U8', [4], 0, 4)}}`, 5), 'expected 4 bytes of tensors, got 5'],
    ['a shape beyond counting', file(`{"a":${entry('U8', [2 ** 40, 2 ** 40], 0, 1)}}`, 1), 'expected 1.2'],
  ])('%s is refused in one sentence', (_, bytes, message) => {
    expect(() => decodeSafetensors(bytes, 'x')).toThrow(message)
  })

  test('a key that only repeats inside another tensor or as a value is not a duplicate', () => {
    const nested = `{"a":${entry('U8', [1], 0, 1)},"dtype":${entry('U8', [1], 1, 2)},"__metadata__":{"a":"a\\":"}}`
    expect(Object.keys(decodeSafetensors(file(nested, 2)).tensors)).toEqual(['a', 'dtype'])
  })

  test.skipIf(!hasPython)('the Python library reads what we write, and we what it writes', async () => {
    const ours = join(folder, 'ours.safetensors')
    const theirs = join(folder, 'theirs.safetensors')
    const written = { w: createTensor('float32', [2, 2], [1, -2, 3.5, 4]), n: createTensor('int64', [2], [5n, -6n]) }
    writeFileSync(ours, Buffer.concat(encodeSafetensors(written, { k: 'v' })))
    const script = `
import sys, json, numpy, safetensors.numpy as s
t = s.load_file(sys.argv[1])
print(json.dumps({k: v.tolist() for k, v in t.items()}))
s.save_file({'w': numpy.arange(6, dtype=numpy.float32).reshape(2, 3), 'b': numpy.array([1, 2], dtype=numpy.uint8)}, sys.argv[2])`
    const printed = execFileSync(python, ['-c', script, ours, theirs], { encoding: 'utf8' })
    expect(JSON.parse(printed)).toEqual({
      w: [
        [1, -2],
        [3.5, 4],
      ],
      n: [5, -6],
    })
    expect(plain((await readSafetensors(theirs)).tensors)).toEqual({
      w: ['float32', [2, 3], [0, 1, 2, 3, 4, 5]],
      b: ['uint8', [2], [1, 2]],
    })
  })
})

function plain(from: Readonly<Record<string, Tensor>>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(from).map(([name, { dtype: kind, dims, data }]) => [name, [kind, dims, [...data]]]),
  )
}

function entry(type: string, shape: readonly number[], from: number, to: number): string {
  return JSON.stringify({ dtype: type, shape, data_offsets: [from, to] })
}

function length(bytes: number): Buffer {
  const buffer = Buffer.alloc(8)
  buffer.writeBigUInt64LE(BigInt(bytes))
  return buffer
}

function file(header: string, data = 0, claimed = Buffer.byteLength(header)): Buffer {
  return Buffer.concat([length(claimed), Buffer.from(header), Buffer.alloc(data)])
}
