import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeEach, expect, test } from 'vitest'
import { decoderOf, loadBundle, ManifestError, writeManifest } from '../../runtime/bundle.ts'
import { stateBytes, type Manifest, type ManifestInput } from '../../runtime/manifest.ts'
import { FLOAT, onnxModel, type ModelSpec } from '../support/onnx-model.ts'

const draft: Omit<ManifestInput, 'files'> = {
  format: 'mneme-bundle',
  version: 1,
  name: 'tiny',
  architecture: 'delta',
  config: { width: 64 },
  parameters: 1234,
  graphs: {
    decoder: {
      file: 'decoder.onnx',
      kernels: 'fused',
      inputs: [
        { name: 'ids', dtype: 'int32', shape: ['batch', 'time'] },
        { name: 'logits_from', dtype: 'int64', shape: [], optional: true },
        { name: 'state.memory', dtype: 'float32', shape: ['batch', 64, 256] },
      ],
      outputs: [
        { name: 'logits', dtype: 'float32', shape: ['batch', 'rows', 512] },
        { name: 'next.memory', dtype: 'float32', shape: ['batch', 64, 256] },
      ],
    },
  },
  state: [
    {
      name: 'memory',
      input: 'state.memory',
      output: 'next.memory',
      dtype: 'float32',
      shape: ['batch', 64, 256],
      inPlace: true,
    },
  ],
  tokenizer: { file: 'tokenizer.json', config: 'tokenizer_config.json', vocab: 512, eos: [2] },
  generation: { temperature: 0.7 },
  verification: {},
  source: {},
}

const emptyModel: ModelSpec = { nodes: [], inputs: [], outputs: [] }

let dir = ''
beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'mneme-bundle-'))
  writeFileSync(join(dir, 'decoder.onnx'), onnxModel(emptyModel))
  writeFileSync(join(dir, 'tokenizer.json'), '{}')
  writeFileSync(join(dir, 'tokenizer_config.json'), '{ }')
  await writeManifest(dir, draft)
  return () => rmSync(dir, { recursive: true })
})

test('what is written loads again, under the hash of its manifest', async () => {
  const bundle = await loadBundle(dir)
  const bytes = readFileSync(join(dir, 'manifest.json'))
  expect(bundle.id).toBe(createHash('sha256').update(bytes).digest('hex'))
  expect(bundle.manifest).toMatchObject(draft)
  expect(bundle.manifest.files['tokenizer.json']).toEqual({
    sha256: createHash('sha256').update('{}').digest('hex'),
    bytes: 2,
  })
  expect(bundle.path('decoder.onnx')).toBe(join(dir, 'decoder.onnx'))
  expect(() => bundle.path('other.onnx')).toThrow(ManifestError)
})

test('every file of the folder is hashed but hidden ones and the manifest, and no half-written one stays', async () => {
  mkdirSync(join(dir, 'extra'))
  writeFileSync(join(dir, 'extra', 'notes.txt'), 'x')
  writeFileSync(join(dir, '.hidden'), 'x')
  const { files } = await writeManifest(dir, draft)
  expect(Object.keys(files)).toEqual(['decoder.onnx', 'extra/notes.txt', 'tokenizer.json', 'tokenizer_config.json'])
  expect(readdirSync(dir).filter((name) => name.startsWith('.'))).toEqual(['.hidden'])
  await loadBundle(dir)
})

test('a manifest that would not load is not written', async () => {
  const before = readFileSync(join(dir, 'manifest.json'), 'utf8')
  rmSync(join(dir, 'decoder.onnx'))
  await expect(writeManifest(dir, draft)).rejects.toThrow(
    'graphs.decoder.file: expected a file listed in files, got decoder.onnx',
  )
  expect(readFileSync(join(dir, 'manifest.json'), 'utf8')).toBe(before)
})

test('the size of a state counts one sequence', async () => {
  const [entry] = (await loadBundle(dir)).manifest.state
  expect(entry && stateBytes(entry)).toBe(64 * 256 * 4)
})

const port = (name: string, shape: readonly (number | string)[], dtype: 'int32' | 'float32' = 'int32') => ({
  name,
  dtype,
  shape,
})

/** The manifest of a sentence encoder in the file decoder.onnx. */
const encoder = {
  ...draft,
  graphs: {
    embedder: {
      file: 'decoder.onnx',
      kernels: 'fused',
      inputs: ['ids', 'mask', 'types'].map((name) => port(name, ['batch', 'time'])),
      outputs: [port('embedding', ['batch', 8], 'float32'), port('hidden', ['batch', 'time', 8], 'float32')],
    },
  },
  embedder: { pooling: 'mean', normalize: true, width: 8, maxTokens: 128 },
  state: [],
} satisfies typeof draft

test('a bundle may have an embedder and no decoder, and says so to who wants one', async () => {
  await writeManifest(dir, encoder)
  const { manifest } = await loadBundle(dir)
  expect(manifest.embedder).toEqual(encoder.embedder)
  expect(() => decoderOf(manifest)).toThrow(
    'tiny: expected a bundle with a decoder, got one with an embedder alone: it makes vectors of texts and writes none',
  )
})

test.each<[name: string, manifest: typeof draft, message: string]>([
  [
    'an embedder that is not described',
    { ...draft, graphs: encoder.graphs, state: [] },
    'embedder: expected it beside graphs.embedder, got the graph alone',
  ],
  [
    'a description without a graph',
    { ...draft, embedder: encoder.embedder },
    'embedder: expected it beside graphs.embedder, got it alone',
  ],
  [
    'a state without a decoder',
    { ...encoder, state: draft.state },
    'state: expected none without a decoder, got memory',
  ],
  [
    'vectors of another width',
    { ...encoder, embedder: { ...encoder.embedder, width: 16 } },
    'graphs.embedder.outputs: expected embedding float32 [batch, 16] among them, got embedding float32 [batch, 8], ' +
      'hidden float32 [batch, time, 8]',
  ],
  [
    'an embedder without a mask',
    {
      ...encoder,
      graphs: { embedder: { ...encoder.graphs.embedder, inputs: [port('ids', ['batch', 'time'])] } },
    },
    'graphs.embedder.inputs: expected ids int32 [batch, time], mask int32 [batch, time], types int32 [batch, time], ' +
      'got ids int32 [batch, time]',
  ],
])('%s is refused', async (_, manifest, message) => {
  await expect(writeManifest(dir, manifest)).rejects.toThrow(message)
})

// Each case spoils the folder, and names the sentence that follows the path of the manifest or file.
type Json = Record<string, unknown> & Manifest
const edits: [name: string, edit: (manifest: Json) => void, message: string][] = [
  ['another format', (m) => Object.assign(m, { format: 'gguf' }), 'expected format mneme-bundle, got "gguf"'],
  ['another version', (m) => Object.assign(m, { version: 2 }), 'expected version 1, got 2'],
  ['no version', (m) => Reflect.deleteProperty(m, 'version'), 'expected version 1, got none'],
  [
    'no decoder',
    (m) => Reflect.deleteProperty(m.graphs, 'decoder'),
    'graphs: expected a decoder, an embedder, a classifier or a controller, got none',
  ],
  ['no name', (m) => Reflect.deleteProperty(m, 'name'), 'name: expected string, got none'],
  [
    'an unknown dtype',
    (m) => Object.assign(m.state[0] ?? {}, { dtype: 'float64' }),
    'state.0.dtype: expected one of "float32"|"uint8"|"int8"|"int32"|"int64"|"bool"|"float16", got "float64"',
  ],
  [
    'a path out of the folder',
    (m) => Object.assign(m.files, { '../secret': { sha256: '0'.repeat(64), bytes: 1 } }),
    'files.../secret: expected a path inside the bundle, got "../secret"',
  ],
  [
    'an absolute path',
    (m) => Object.assign(m.tokenizer!, { file: '/etc/passwd' }),
    'tokenizer.file: expected a path inside the bundle, got "/etc/passwd"',
  ],
  [
    'a backslash',
    (m) => Object.assign(m.tokenizer!, { file: '..\\x' }),
    'tokenizer.file: expected a path inside the bundle, got "..\\\\x"',
  ],
  [
    'a hash of another form',
    (m) => Object.assign(m.files['tokenizer.json'] ?? {}, { sha256: 'abc' }),
    'files.tokenizer.json.sha256: must match pattern',
  ],
  [
    'a graph that is not listed',
    (m) => Object.assign(decoderOf(m), { file: 'other.onnx' }),
    'graphs.decoder.file: expected a file listed in files, got other.onnx',
  ],
  [
    'a state without an input',
    (m) => decoderOf(m).inputs.pop(),
    "state memory: input: expected state.memory among the decoder's inputs, got none",
  ],
  [
    'a state without an output',
    (m) => decoderOf(m).outputs.pop(),
    "state memory: output: expected next.memory among the decoder's outputs, got none",
  ],
  [
    'a state of another size',
    (m) => Object.assign(m.state[0] ?? {}, { shape: ['batch', 64, 128] }),
    'state memory: input: expected float32 [batch, 64, 128] as in the state entry, got float32 [batch, 64, 256] in the graph',
  ],
  [
    'an append state without a time axis',
    (m) => Object.assign(m.state[0] ?? {}, { kind: 'append' }),
    "state memory: shape: expected 1 axes 'time' in a state of kind append, got 0",
  ],
  [
    'a fixed state that grows',
    (m) => Object.assign(m.state[0] ?? {}, { shape: ['batch', 'time', 256] }),
    "state memory: shape: expected 0 axes 'time' in a state of kind fixed, got 1",
  ],
  [
    'an append state of a decoder that is not told positions',
    (m) => Object.assign(m.state[0] ?? {}, { kind: 'append', shape: ['batch', 'time', 256] }),
    'state memory: expected an append state to be updated in place by a decoder with the input positions',
  ],
  [
    'a state that comes out elsewhere',
    (m) => Object.assign(m.state[0] ?? {}, { output: 'logits' }),
    'state memory: output: expected next.memory, got logits',
  ],
]

test.each(edits)('%s is refused', async (_, edit, message) => {
  const path = join(dir, 'manifest.json')
  const manifest = JSON.parse(readFileSync(path, 'utf8')) as Json
  edit(manifest)
  writeFileSync(path, JSON.stringify(manifest))
  const error = await loadBundle(dir).catch((reason: unknown) => reason)
  expect(error).toBeInstanceOf(ManifestError)
  expect((error as Error).message.startsWith(`${path}: ${message}`), (error as Error).message).toBe(true)
  expect((error as Error).message).not.toContain('\n')
})

test.each<[name: string, spoil: () => void, message: string]>([
  ['no folder', () => rmSync(dir, { recursive: true }), ': expected a bundle folder, got nothing there'],
  [
    'no manifest',
    () => rmSync(join(dir, 'manifest.json')),
    '/manifest.json: expected the manifest of a bundle, got no such file',
  ],
  ['no JSON', () => writeFileSync(join(dir, 'manifest.json'), '{'), '/manifest.json: expected JSON, got SyntaxError'],
  [
    'JSON of another kind',
    () => writeFileSync(join(dir, 'manifest.json'), '[1]'),
    '/manifest.json: expected format mneme-bundle, got none',
  ],
  [
    'a missing file',
    () => rmSync(join(dir, 'tokenizer.json')),
    '/tokenizer.json: expected a file as listed in manifest.json, got none',
  ],
  [
    'another size',
    () => writeFileSync(join(dir, 'tokenizer.json'), '{} '),
    '/tokenizer.json: expected 2 bytes as listed in manifest.json, got 3',
  ],
  [
    'another content',
    () => writeFileSync(join(dir, 'tokenizer.json'), '[]'),
    '/tokenizer.json: expected sha256 44136fa355b3678a',
  ],
])('%s is refused', async (_, spoil, message) => {
  spoil()
  const error = await loadBundle(dir).catch((reason: unknown) => reason)
  expect(error).toBeInstanceOf(ManifestError)
  expect((error as Error).message).toContain(`${dir}${message}`)
  if (!existsSync(dir)) mkdirSync(dir)
})

test('weights in another file load only where that file is listed, and so hashed', async () => {
  const write = (external: string): void => {
    const tensor = { name: 'w', type: FLOAT, dims: [1], bytes: new Uint8Array(4), external }
    writeFileSync(join(dir, 'decoder.onnx'), onnxModel({ ...emptyModel, initializers: [tensor] }))
  }
  writeFileSync(join(dir, 'weights.bin'), new Uint8Array(4))
  write('weights.bin')
  await writeManifest(dir, draft)
  await loadBundle(dir)
  for (const location of ['other.bin', '../weights.bin', '/etc/passwd', '.hidden']) {
    write(location)
    await writeManifest(dir, draft)
    await expect(loadBundle(dir)).rejects.toThrow(
      `decoder.onnx: expected its external data among files of manifest.json, got ${location}`,
    )
  }
})

test('a graph file that is no ONNX file is refused', async () => {
  for (const bytes of [
    Buffer.from('not really a graph'),
    onnxModel(emptyModel).subarray(0, -1),
    Buffer.alloc(20, 255),
  ]) {
    writeFileSync(join(dir, 'decoder.onnx'), bytes)
    await writeManifest(dir, draft)
    await expect(loadBundle(dir)).rejects.toThrow(/decoder\.onnx: expected an ONNX file; at byte \d+, expected/)
  }
})
