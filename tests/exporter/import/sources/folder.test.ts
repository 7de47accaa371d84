import { existsSync, mkdirSync, readdirSync, renameSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { openSource, SourceError } from '../../../../exporter/import/sources/source.ts'
import { createTensor } from '../../../../runtime/tensor.ts'
import { encodeSafetensors, readSafetensors } from '../../../../trainer/safetensors.ts'
import { temporaryFolder } from '../../../support/temporary.ts'

// Published layouts made by the Python libraries; a checkout on its own has no such folder.
const fixtures = join(import.meta.dirname, '../../../../../shared/fixtures/models')
const config = { model_type: 'llama', eos_token_id: 2, bos_token_id: 1 }
const weights = { a: createTensor('float32', [2, 3], [1, 2, 3, 4, 5, 6]), b: createTensor('float32', [1], [7]) }

/** A model folder with these files: bytes and text as they are, anything else as JSON. */
function modelFolder(files: Record<string, unknown>, folder = temporaryFolder()): string {
  for (const [name, content] of Object.entries({ 'config.json': config, ...files })) {
    const bytes = content instanceof Uint8Array || typeof content === 'string' ? content : JSON.stringify(content)
    writeFileSync(join(folder, name), bytes)
  }
  return folder
}

function safetensors(header: object | string, data: Uint8Array = new Uint8Array()): Buffer {
  const text = Buffer.from(typeof header === 'string' ? header : JSON.stringify(header))
  const length = Buffer.alloc(8)
  length.writeBigUInt64LE(BigInt(text.length))
  return Buffer.concat([length, text, data])
}

const whole = Buffer.concat(encodeSafetensors(weights))

describe.skipIf(!existsSync(fixtures))('folders of the fixtures', () => {
  test.each(existsSync(fixtures) ? readdirSync(fixtures) : [])('%s opens with its configuration', async (name) => {
    const { config: read, generation, tensors, tokenizer } = await openSource(join(fixtures, name))
    expect(typeof read['model_type']).toBe('string')
    expect(existsSync(join(fixtures, name, 'generation_config.json'))).toBe(Object.keys(generation).length > 0)
    expect(tokenizer).toBeNull()
    expect(tensors.names.length).toBeGreaterThan(0)
    await tensors.close()
  })

  test.each(['llama', 'gpt2', 'mamba2', 'nemotron_h'])(
    '%s gives the values that another reader gives',
    async (name) => {
      const { tensors } = await openSource(join(fixtures, name))
      const { tensors: expected } = await readSafetensors(join(fixtures, name, 'model.safetensors'))
      expect([...tensors.names].toSorted()).toEqual(Object.keys(expected).toSorted())
      for (const [tensor, { dims, data }] of Object.entries(expected)) {
        expect(tensors.shape(tensor)).toEqual(dims)
        expect(await tensors.read(tensor)).toEqual(data)
      }
      await tensors.close()
    },
  )

  test('a bare Infinity and the form of transformers 5 are both read as infinity', async () => {
    const bare = await openSource(join(fixtures, 'mamba2'))
    const wrapped = await openSource(join(fixtures, 'mamba2-groups'))
    expect(bare.config['time_step_limit']).toEqual([0, Infinity])
    expect(wrapped.config['time_step_limit']).toEqual([0, Infinity])
    await Promise.all([bare.tensors.close(), wrapped.tensors.close()])
  })

  test('shards with published names are found by their index, bfloat16 beside float32', async () => {
    const { tensors, config: wrapper } = await openSource(join(fixtures, 'qwen3_5-published'))
    expect(wrapper).toHaveProperty('text_config')
    expect(tensors.names).toContain('model.language_model.embed_tokens.weight')
    for (const name of tensors.names)
      expect(
        (await tensors.read(name)).every((value) => Number.isFinite(value)),
        name,
      ).toBe(true)
    await tensors.close()
  })
})

describe('a model folder', () => {
  test('gives whole tensors and rows of them', async () => {
    const { tensors, about } = await openSource(modelFolder({ 'model.safetensors': whole }))
    expect(about).toContain('llama')
    expect(await tensors.read('a')).toEqual(Float32Array.of(1, 2, 3, 4, 5, 6))
    expect(await tensors.readRows('a', 1, 2)).toEqual(Float32Array.of(4, 5, 6))
    expect(await tensors.blocks('a')).toBeUndefined()
    await expect(tensors.readRows('a', 1, 3)).rejects.toThrow('tensor a: expected rows within [0, 2), got [1, 3)')
    await expect(tensors.read('c')).rejects.toThrow('has no tensor c')
    await tensors.close()
  })

  test.each([
    ['F16', [0x00, 0x3c, 0x01, 0x80], [1, -(2 ** -24)]],
    ['BF16', [0x80, 0x3f, 0x20, 0xc1], [1, -10]],
    ['F64', [0, 0, 0, 0, 0, 0, 0xf8, 0x3f], [1.5]],
    ['I64', [5, 0, 0, 0, 0, 0, 0, 0], [5]],
    ['I32', [0xff, 0xff, 0xff, 0xff], [-1]],
    ['BOOL', [1, 0], [1, 0]],
  ])('reads %s as float32', async (dtype, bytes, values) => {
    const header = { x: { dtype, shape: [values.length], data_offsets: [0, bytes.length] } }
    const { tensors } = await openSource(
      modelFolder({ 'model.safetensors': safetensors(header, Uint8Array.from(bytes)) }),
    )
    expect([...(await tensors.read('x'))]).toEqual(values)
    await tensors.close()
  })

  test('reads a tensor that is longer than one piece', async () => {
    const count = 9_000_001
    const bytes = new Uint8Array(2 * count)
    bytes.set([0x00, 0x3c], 2 * (count - 1))
    const header = { x: { dtype: 'F16', shape: [count], data_offsets: [0, 2 * count] } }
    const { tensors } = await openSource(modelFolder({ 'model.safetensors': safetensors(header, bytes) }))
    const values = await tensors.read('x')
    expect([values.length, values[count - 2], values[count - 1]]).toEqual([count, 0, 1])
    await tensors.close()
  })

  test('given as a pickle file is refused by its name', async () => {
    const file = join(modelFolder({ 'pytorch_model.bin': 'pickled' }), 'pytorch_model.bin')
    await expect(openSource(file)).rejects.toThrow('pytorch_model.bin: is a pickle file')
  })

  test('refuses a whole number that float32 does not have', async () => {
    const header = { x: { dtype: 'I32', shape: [1], data_offsets: [0, 4] } }
    const file = safetensors(header, Uint8Array.of(1, 0, 0, 1))
    const { tensors } = await openSource(modelFolder({ 'model.safetensors': file }))
    await expect(tensors.read('x')).rejects.toThrow('tensor x: the whole number 16777217 has no exact float32')
    await tensors.close()
  })

  test('takes shards from wherever the index says, also through the links of a hub cache', async () => {
    const cache = join(temporaryFolder(), 'models--owner--name')
    const snapshot = join(cache, 'snapshots', 'commit')
    mkdirSync(snapshot, { recursive: true })
    mkdirSync(join(cache, 'blobs'))
    writeFileSync(join(cache, 'blobs', 'one'), Buffer.concat(encodeSafetensors({ a: weights.a })))
    writeFileSync(join(cache, 'blobs', 'two'), Buffer.concat(encodeSafetensors({ b: weights.b })))
    symlinkSync('../../blobs/one', join(snapshot, 'odd-name.safetensors'))
    symlinkSync('../../blobs/two', join(snapshot, 'model.safetensors-00001-of-00001.safetensors'))
    const weight_map = { a: 'odd-name.safetensors', b: 'model.safetensors-00001-of-00001.safetensors' }
    const { tensors } = await openSource(modelFolder({ 'model.safetensors.index.json': { weight_map } }, snapshot))
    expect(await tensors.read('b')).toEqual(Float32Array.of(7))
    expect([...tensors.names]).toEqual(['a', 'b'])
    await tensors.close()
  })

  test.each([
    ['../outside.safetensors', 'outside of the folder'],
    ['/etc/outside.safetensors', 'outside of the folder'],
    ['sub/../../outside.safetensors', 'outside of the folder'],
    ['pytorch_model.bin', 'expected a .safetensors file'],
    ['not-there.safetensors', 'there is no such file'],
  ])('refuses an index that names %s', async (file, sentence) => {
    const folder = modelFolder({ 'model.safetensors.index.json': { weight_map: { a: file } } })
    await expect(openSource(folder)).rejects.toThrow(sentence)
    await expect(openSource(folder)).rejects.toThrow(SourceError)
  })

  test('refuses a link out of the folder', async () => {
    const outside = join(temporaryFolder(), 'other.safetensors')
    writeFileSync(outside, whole)
    const folder = modelFolder({})
    symlinkSync(outside, join(folder, 'model.safetensors'))
    await expect(openSource(folder)).rejects.toThrow('outside of the folder')
  })

  test('refuses an index that places a tensor in a file without it', async () => {
    const folder = modelFolder({
      'model.safetensors.index.json': { weight_map: { a: 'x.safetensors', c: 'x.safetensors' } },
      'x.safetensors': whole,
    })
    await expect(openSource(folder)).rejects.toThrow('expected the tensor c that the index places there')
  })

  test.each(['pytorch_model.bin', 'model.pt', 'model.pth', 'last.ckpt'])(
    'refuses %s alone by its name',
    async (file) => {
      await expect(openSource(modelFolder({ [file]: 'pickled' }))).rejects.toThrow(`${file}: is a pickle file`)
      const beside = await openSource(modelFolder({ [file]: 'pickled', 'model.safetensors': whole }))
      expect(await beside.tensors.read('b')).toEqual(Float32Array.of(7))
      await beside.tensors.close()
    },
  )

  const entry = (from: number, to: number, shape = [(to - from) / 4], dtype = 'F32') => ({
    dtype,
    shape,
    data_offsets: [from, to],
  })
  test.each([
    ['nothing', Buffer.alloc(0), 'at least 8 bytes, got 0'],
    ['a header of gigabytes', Buffer.from('ffffffffff000000', 'hex'), 'a header of at most 100000000 bytes'],
    [
      'a header beyond the end',
      safetensors('{}').subarray(0, 9),
      'expected a header of 2 bytes, the file ends after 1',
    ],
    ['a list', safetensors('[]'), 'expected a JSON object, got a list'],
    ['a type by name', safetensors({ x: entry(0, 4, [4], 'F8_E4M3') }, Buffer.alloc(4)), 'tensor x: has type F8_E4M3'],
    ['an overlap', safetensors({ x: entry(0, 8), y: entry(4, 12) }, Buffer.alloc(12)), 'tensor y: overlaps'],
    ['a hole', safetensors({ x: entry(0, 4), y: entry(8, 12) }, Buffer.alloc(12)), 'tensor y: leaves bytes before it'],
    ['offsets beyond the end', safetensors({ x: entry(0, 8) }, Buffer.alloc(4)), 'expected 8 bytes of tensors'],
    ['bytes too many', safetensors({ x: entry(0, 4) }, Buffer.alloc(8)), 'expected 4 bytes of tensors'],
    ['a wrong size', safetensors({ x: entry(0, 4, [2]) }, Buffer.alloc(4)), 'expected 8 bytes for F32 [2], got 4'],
    ['a size of gigabytes', safetensors({ x: entry(0, 4, [2 ** 50]) }, Buffer.alloc(4)), 'tensor x: expected'],
    ['a negative size', safetensors({ x: entry(0, 4, [-1]) }, Buffer.alloc(4)), 'expected a shape of whole numbers'],
    ['offsets backwards', safetensors({ x: entry(4, 0, []) }, Buffer.alloc(4)), 'expected two offsets'],
    ['a name twice', safetensors('{"x":1,"x":2}'), 'tensor x: is listed twice'],
  ])('refuses a file with %s', async (_, bytes, sentence) => {
    await expect(openSource(modelFolder({ 'model.safetensors': bytes }))).rejects.toThrow(sentence)
  })

  test('a file with any byte changed or cut off at any place gives its tensors or one SourceError', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(whole.length - 1), fc.nat(255), fc.boolean(), async (at, value, cut) => {
        const bytes = cut ? whole.subarray(0, at) : Buffer.from(whole)
        if (!cut) bytes[at] = value
        const opened = openSource(modelFolder({ 'model.safetensors': bytes }))
        await opened
          .then(async ({ tensors }) => {
            try {
              for (const name of tensors.names) await tensors.read(name)
            } finally {
              await tensors.close()
            }
          })
          .catch((error: unknown) => expect(error).toBeInstanceOf(SourceError))
      }),
      { numRuns: 200 },
    )
  })

  test.each([
    ['no file', {}, 'cannot be read: there is no such file'],
    ['a list', { 'config.json': [] }, 'expected a JSON object, got a list'],
    ['broken JSON', { 'config.json': '{"a": }' }, 'config.json: expected JSON, got wrong syntax'],
  ])('refuses a config.json that is %s', async (what, files, sentence) => {
    const folder = modelFolder(files)
    if (what === 'no file') renameSync(join(folder, 'config.json'), join(folder, 'other.json'))
    await expect(openSource(folder)).rejects.toThrow(sentence)
  })
})

describe('the tokenizer of a folder', () => {
  const tokenizer = {
    model: { type: 'BPE', vocab: { a: 0, b: 1 }, merges: [] },
    added_tokens: [
      { id: 2, content: '<|end|>', special: true },
      { id: 3, content: '<s>', special: true },
      { id: 4, content: '<|stop|>', special: true },
    ],
  }
  const open = async (files: Record<string, unknown>): Promise<Record<string, unknown>> => {
    const opened = await openSource(modelFolder({ 'model.safetensors': whole, 'tokenizer.json': tokenizer, ...files }))
    await opened.tensors.close()
    return opened.tokenizer!.config as Record<string, unknown>
  }

  test('ends replies with its own token and those of generation_config.json', async () => {
    const files = {
      'tokenizer_config.json': { eos_token: { content: '<|end|>' }, bos_token: null },
      'generation_config.json': { eos_token_id: [2, 4] },
    }
    expect(await open(files)).toEqual({ eos_token: [{ content: '<|end|>' }, '<|stop|>'], bos_token: null })
  })

  test('without tokenizer_config.json takes special_tokens_map.json, then the ids of the configuration', async () => {
    expect(await open({ 'special_tokens_map.json': { eos_token: '<|end|>', bos_token: '<s>' } })).toMatchObject({
      eos_token: '<|end|>',
      bos_token: '<s>',
    })
    expect(
      await open({ 'config.json': { model_type: 'x', text_config: { eos_token_id: 4, bos_token_id: 3 } } }),
    ).toEqual({
      eos_token: '<|stop|>',
      bos_token: '<s>',
    })
  })

  test('finds the chat template as field, list, .jinja or .json, the .jinja first', async () => {
    const field = { 'tokenizer_config.json': { chat_template: 'field' } }
    const list = [{ name: 'default', template: 'x' }]
    expect(await open(field)).toHaveProperty('chat_template', 'field')
    expect(await open({ 'tokenizer_config.json': { chat_template: list } })).toHaveProperty('chat_template', list)
    expect(await open({ ...field, 'chat_template.jinja': 'file' })).toHaveProperty('chat_template', 'file')
    expect(await open({ 'chat_template.json': { chat_template: 'json' } })).toHaveProperty('chat_template', 'json')
  })

  test('is refused where only a form that cannot be read is there', async () => {
    const folder = modelFolder({ 'model.safetensors': whole, 'tokenizer.model': 'x' })
    await expect(openSource(folder)).rejects.toThrow('expected tokenizer.json, found only tokenizer.model')
  })
})
