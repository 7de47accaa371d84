import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { createModel } from '../../../models/registry.ts'
import { flatten } from '../../../models/spec.ts'
import { loadBundle } from '../../../runtime/bundle.ts'
import { openDecoder } from '../../../runtime/decoder.ts'
import { createTensor } from '../../../runtime/tensor.ts'
import { exportAdapter, loadAdapter } from '../../../trainer/export/adapter.ts'
import { loadTrained } from '../../../trainer/export/weights.ts'
import { loadTensorFlow } from '../../../trainer/backends/tensorflow/load.ts'
import { recipeWith } from '../../../trainer/recipes/settings.ts'
import { loadCheckpoint } from '../../../trainer/run/checkpoint.ts'
import { prepare } from '../../../trainer/run/prepare.ts'
import { heldOutLoss, train } from '../../../trainer/run/train.ts'
import { encodeSafetensors } from '../../../trainer/safetensors.ts'
import { byteTokenizer } from '../../../trainer/tokenizer/train.ts'
import { chatTokens, writeTokenizer } from '../../../trainer/tokenizer/format.ts'
import { expectClose, expectSameBits } from '../../support/all-close.ts'
import { eagerRun, randomWeights } from '../../support/decoders.ts'
import { startHub } from '../../support/hub-server.ts'

const folder = mkdtempSync(join(tmpdir(), 'mneme-published-'))
afterAll(() => rmSync(folder, { recursive: true }))
const text = join(folder, 'text.txt')
/** Published models have rows for more tokens than their tokenizers. */
const config = {
  model_type: 'llama',
  vocab_size: 320,
  hidden_size: 32,
  intermediate_size: 48,
  num_hidden_layers: 2,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  tie_word_embeddings: true,
}
const { model_type: _, ...options } = config
const llama = createModel('llama', options)

/** Writes a model folder as transformers does, with weights drawn from `seed`. */
async function writeModel(name: string, seed: number): Promise<string> {
  const at = join(folder, name)
  mkdirSync(at)
  const weights = randomWeights(llama, seed)
  const tensors = flatten(llama.params).map(([path, { shape }]) => [
    `model.${path.replace('.mixer.', '.self_attn.')}`,
    createTensor('float32', shape.map(Number), weights.get(path)),
  ])
  writeFileSync(join(at, 'config.json'), JSON.stringify(config))
  writeFileSync(join(at, 'model.safetensors'), Buffer.concat(encodeSafetensors(Object.fromEntries(tensors))))
  await writeTokenizer(at, byteTokenizer(chatTokens))
  return at
}

const settings = [
  `data.files=["${text}"]`,
  'batch=2',
  'sequenceLength=16',
  'schedule.steps=4',
  'schedule.warmup=1',
  'evaluateEvery=4',
  'evaluateBatches=2',
  'carry=false',
]
const memory = ['model.rows=16', 'model.memoryHeads=2', 'model.placementEvery=1']
const lora = [
  'model.adapters=lora',
  'model.loraRank=2',
  'learningRate=0.01',
  'generation.answers_from=notes',
  'generation.temperature=0',
]

/** A run of `recipe` in `name`, opened but not trained. */
const open = (recipe: string, name: string, more: readonly string[], resume = false) =>
  prepare(recipeWith(recipe, [...settings, ...more]), {
    out: join(folder, name),
    resume,
    backend: 'compiled',
    devices: [{ device: 'cpu', id: 0 }],
    threads: 1,
    report: () => {},
  })

let base: string
beforeAll(async () => {
  writeFileSync(text, Array.from({ length: 200 }, (_, i) => `line ${i} of ${(i * 7) % 13} words\n`).join(''))
  base = await writeModel('base', 7)
})

test('a published model is trained on with its own sizes and tokenizer, and an adapter starts where it is', async () => {
  const whole = await open('llama', 'whole', [`start.checkpoint=${base}`])
  expect(whole.run.config['model']).toMatchObject({ vocab_size: 320, hidden_size: 32, num_key_value_heads: 2 })
  const expected = await heldOutLoss(whole.backend, whole.run.heldOut!)
  await train(whole.run, false)
  whole.backend.close()
  const after = await loadCheckpoint(join(folder, 'whole', 'last'))
  expect(after.model['embed_tokens.weight']!.dims).toEqual([320, 32])
  for (const [name, own] of [
    ['memory', memory],
    ['lora', lora],
  ] as const) {
    const { run, backend } = await open('adapter', name, [...own, `start.checkpoint=${base}`])
    expect(await heldOutLoss(backend, run.heldOut!)).toBeCloseTo(expected, 5)
    await train(run, false)
    expect(await heldOutLoss(backend, run.heldOut!)).not.toBeCloseTo(expected, 5)
    backend.close()
  }
})

test('a model of the hub is brought to this machine and trained on', async () => {
  const names = ['config.json', 'model.safetensors', 'tokenizer.json', 'tokenizer_config.json']
  const files = Object.fromEntries(names.map((name) => [name, readFileSync(join(base, name))]))
  const commit = '0123456789abcdef0123456789abcdef01234567'
  const hub = await startHub({
    kind: 'model',
    repo: 'owner/small',
    branches: { main: commit },
    commits: { [commit]: files },
  })
  onTestFinished(() => hub.close())
  const args = ['train', 'llama', '--init', 'hf:owner/small', '--out', join(folder, 'from-hub'), '--threads', '1']
  const options = settings.flatMap((setting) => ['--set', setting])
  const env = { ...process.env, HF_ENDPOINT: hub.url, HF_HOME: join(folder, 'hub') }
  await promisify(execFile)(process.execPath, ['clients/cli/bin.js', ...args, ...options], { env })
  const { state } = await loadCheckpoint(join(folder, 'from-hub', 'last'))
  const { start, model } = state['config'] as unknown as { start: { checkpoint: string }; model: object }
  expect(start.checkpoint).toContain(join('hub', 'hub', 'models--owner--small', 'snapshots', commit))
  expect(model).toMatchObject({ vocab_size: 320, hidden_size: 32 })
})

test('checkpoints of an adapter hold what was added only, and go on with the base of its files', async () => {
  const { model, optimizer, state } = await loadCheckpoint(join(folder, 'lora', 'last'))
  expect(Object.keys(model).every((name) => name.startsWith('lora.'))).toBe(true)
  expect(Object.keys(optimizer).filter((name) => name.includes('base'))).toEqual([])
  expect((state['config'] as { model: object }).model).toMatchObject({ base: 'llama', source: base })
  const trained = await loadTrained(join(folder, 'lora'))
  for (const [path, data] of randomWeights(llama, 7)) expectSameBits(trained.weights.get(`base.${path}`)!, data, path)
  const longer = await open('adapter', 'lora', [...lora, 'schedule.steps=6', `start.checkpoint=${base}`], true)
  expect((await train(longer.run, true)).step).toBe(6)
  longer.backend.close()
})

test('an exported adapter is the trained definition, and two of one base hold its weights once on disk', async () => {
  const { tf } = await loadTensorFlow('cpu')
  const files: number[] = []
  for (const name of ['memory', 'lora']) {
    const out = join(folder, 'bundles', name)
    await exportAdapter((await loadAdapter(join(folder, name), undefined))!, { out, name, quantization: 'none' })
    const bundle = await loadBundle(out)
    expect(bundle.manifest).toMatchObject({ name, architecture: 'adapter' })
    // As the recipe says: what is served does not depend on how it was trained.
    expect(bundle.manifest.generation).toEqual(name === 'lora' ? { temperature: 0, answers_from: 'notes' } : {})
    files.push(statSync(bundle.path('decoder.onnx.data')).ino)
    const { model, weights } = await loadTrained(join(folder, name))
    const ids = [...Buffer.from('line 4 of 7')]
    const decoder = await openDecoder(bundle.path('decoder.onnx'), bundle.manifest.state)
    const { logits } = await decoder.run([ids], decoder.start(1))
    decoder.close()
    const expected = eagerRun(tf, model, weights, [ids]).logits
    expectClose(logits.data as Float32Array, expected, { absolute: 1e-4, relative: 1e-4, what: name })
  }
  expect(files[0]).toBe(files[1])
})

test('an adapter is exported with keys and values in int8 over the same file of weights', async () => {
  const adapter = (await loadAdapter(join(folder, 'lora'), undefined))!
  const outs = ['plain', 'few'].map((name) => join(folder, 'int8', name)) as [string, string]
  await exportAdapter(adapter, { out: outs[0], quantization: 'none' })
  const { kvCost, manifest, sharedWith } = await exportAdapter(adapter, {
    out: outs[1],
    quantization: 'none',
    kv: 'int8',
  })
  expect(sharedWith).toBe(outs[0])
  expect(new Set(manifest.state.map(({ dtype }) => dtype))).toEqual(new Set(['int8']))
  expect(kvCost!.dtype).toBe('int8')
  expect(kvCost!.divergence).toBeLessThan(1e-2)
})

test('a base that is not the one that was adapted is refused, and one that was moved is found where it is said to be', async () => {
  const other = await writeModel('other', 8)
  const changed = (await loadAdapter(join(folder, 'lora'), other))!
  const o = { out: join(folder, 'bundles', 'changed'), quantization: 'none' as const }
  await expect(exportAdapter(changed, o)).rejects.toThrow(
    /other: expected the model that was adapted \(\w+\), got another/,
  )
  await expect(loadTrained(join(folder, 'lora'), { source: other })).rejects.toThrow(
    /expected the model that was adapted/,
  )
  const moved = await writeModel('moved', 7)
  expect((await loadTrained(join(folder, 'lora'), { source: moved })).model.config).toMatchObject({ source: moved })
})

test('what does not fit is refused with what was expected', async () => {
  const refused = (recipe: string, more: readonly string[]) =>
    expect(open(recipe, 'refused', [...more, `start.checkpoint=${base}`])).rejects
  await refused('qwen3', []).toThrow(/--init: expected a model of qwen3, .*base is one of llama/)
  await refused('llama', ['model.hidden_size=64']).toThrow(/model\.hidden_size: is that of .*base \(--init\)/)
  await refused('adapter', [...lora, 'carry=true']).toThrow(/^carry: expected false, got true/)
  writeFileSync(join(base, 'config.json'), JSON.stringify({ ...config, model_type: 'unheard' }))
  await refused('adapter', lora).toThrow(/model_type: expected one of llama/)
  writeFileSync(join(base, 'config.json'), readFileSync(join(folder, 'moved', 'config.json')))
})
test('an adapter that was given away is trained on, with its base wherever that lies', async () => {
  const shared = join(folder, 'shared')
  const share = ['--import', 'tsx', 'trainer/export/share-adapter.ts', join(folder, 'lora', 'last'), shared]
  await promisify(execFile)(process.execPath, share)
  expect(readFileSync(join(shared, 'state.json'), 'utf8')).not.toContain(base)
  const own = ['model.adapters=lora', 'model.loraRank=2', `model.source=${base}`, `start.checkpoint=${shared}`]
  const { run, backend } = await open('adapter', 'further', own)
  const before = await open('adapter', 'lora', [...lora, `start.checkpoint=${base}`], true)
  await train(before.run, true)
  expect(await heldOutLoss(backend, run.heldOut!)).toBeCloseTo(
    await heldOutLoss(before.backend, before.run.heldOut!),
    3, // float16
  )
  backend.close()
  before.backend.close()
  const other = await writeModel('other-base', 8)
  await expect(open('adapter', 'stranger', [...own.slice(0, 2), `model.source=${other}`, own[3]!])).rejects.toThrow(
    /other-base/,
  )
})
