/**
 * Holds `mneme scaffold torch` to PyTorch: `MNEME_PYTHON=.../python npm run test:torch`. Needs a Python with torch and
 * numpy, which `npm test` does not. Every configuration of the invariant suite: same logits and gradients as ours to
 * 1e-4; then two processes train on gloo, and what they saved is exported and asked for a completion.
 */
import { spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Model } from '../../models/architecture.ts'
import { flatten } from '../../models/spec.ts'
import { createTensor, type Tensor } from '../../runtime/tensor.ts'
import { compileGradients } from '../../trainer/backends/compile/step.ts'
import { Random } from '../../trainer/random.ts'
import { readSafetensors, encodeSafetensors } from '../../trainer/safetensors.ts'
import { scaffoldTorch } from '../../trainer/scaffold/torch.ts'
import { openText } from '../../runtime/text.ts'
import { configurations } from '../models/configurations.ts'
import { openModel, randomWeights } from '../support/decoders.ts'
import { runOnnx } from '../support/run-onnx.ts'

const TOLERANCE = 1e-4
const BATCH = 2
const python = process.env['MNEME_PYTHON'] ?? 'python3'
const mneme = join(import.meta.dirname, '..', '..', 'clients', 'cli', 'bin.js')
const tokenizer = join(import.meta.dirname, '..', '..', 'trainer', 'tokenizer', 'keeper')
const folder = mkdtempSync(join(tmpdir(), 'mneme-torch-'))

try {
  // `-- train` skips the comparison
  const wrong = process.argv[2] === 'train' ? 0 : await compareAll()
  await trainAndServe()
  if (wrong > 0) throw new Error(`${wrong} configurations differ by more than ${TOLERANCE}`)
} finally {
  rmSync(folder, { recursive: true })
}

async function compareAll(): Promise<number> {
  const cases = []
  for (const [i, { name, model }] of configurations.entries()) {
    const out = join(folder, `case-${i}`)
    const time = model.chunkLength > 1 ? 3 * model.chunkLength : 18
    const weights = randomWeights(model)
    const config = { accumulate: 1 }
    const trained = { model, weights, config, folder: tokenizer, codec: openText(tokenizer), step: 0 }
    await scaffoldTorch(trained, out, { batch: BATCH, sequenceLength: time })
    const inputs = randomInputs(model, time)
    writeFileSync(join(out, 'inputs.safetensors'), Buffer.concat(encodeSafetensors(inputs)))
    cases.push({ name, model, out, weights, inputs, time })
  }
  execute(python, [join(import.meta.dirname, 'check.py'), ...cases.map(({ out }) => out)])
  process.stdout.write('| configuration | logits | gradients |\n| --- | ---: | ---: |\n')
  let wrong = 0
  for (const { name, model, out, weights, inputs, time } of cases) {
    const { tensors } = await readSafetensors(join(out, 'outputs.safetensors'))
    const expected = await ours(model, weights, inputs, time)
    const gaps = { logits: 0, gradients: 0 }
    for (const [key, value] of Object.entries(expected)) {
      const kind = key === 'logits' ? 'logits' : 'gradients'
      gaps[kind] = Math.max(gaps[kind], gap(tensors[key]!.data as Float32Array, value))
    }
    if (Math.max(gaps.logits, gaps.gradients) > TOLERANCE) wrong++
    process.stdout.write(`| ${name} | ${gaps.logits.toExponential(1)} | ${gaps.gradients.toExponential(1)} |\n`)
  }
  return wrong
}

function randomInputs(model: Model, time: number): Record<'ids' | 'targets' | 'weights', Tensor> {
  const random = new Random('torch')
  const ids = () => Array.from({ length: BATCH * time }, () => random.int(model.vocab))
  const weights = Array.from({ length: BATCH * time }, () => random.pick([0, 1, 1, 3]))
  return {
    ids: createTensor('int32', [BATCH, time], ids()),
    targets: createTensor('int32', [BATCH, time], ids()),
    weights: createTensor('float32', [BATCH, time], weights),
  }
}

/** Gradients of the compiled step, and logits of the exported decoder where there is one. */
async function ours(model: Model, weights: Map<string, Float32Array>, inputs: Record<string, Tensor>, time: number) {
  const compiled = compileGradients(model, {
    batch: BATCH,
    sequenceLength: time,
    carry: false,
    maxLabels: 0,
    precision: 'float32',
  })
  const params = flatten(model.params).map(([path, spec]): [string, Tensor] => [
    `param.${path}`,
    createTensor('float32', spec.shape.map(Number), weights.get(path)),
  ])
  const given = Object.fromEntries(
    [...Object.entries(inputs), ...params].filter(([name]) => compiled.inputs.some((port) => port.name === name)),
  )
  const out = await runOnnx(compiled.bytes, given, compiled.outputs)
  const gradients = Object.entries(out).filter(([name]) => name.startsWith('grad.'))
  const found: Record<string, Float32Array> = Object.fromEntries(
    gradients.map(([name, { data }]) => [name, data as Float32Array]),
  )
  if (model.trainingOnly === undefined) {
    const decoder = await openModel(model, 'fused', weights)
    const ids = inputs['ids']!.data as Int32Array
    const rows = Array.from({ length: BATCH }, (_, row) => [...ids.subarray(row * time, (row + 1) * time)])
    found['logits'] = (await decoder.run(rows, decoder.start(BATCH))).logits.data as Float32Array
    decoder.close()
  }
  return found
}

/** The largest difference, relative to the largest number. */
function gap(got: Float32Array, expected: Float32Array): number {
  let [difference, largest] = [0, 1e-6]
  for (const [i, value] of expected.entries()) {
    difference = Math.max(difference, Math.abs(got[i]! - value))
    largest = Math.max(largest, Math.abs(value))
  }
  return difference / largest
}

async function trainAndServe(): Promise<void> {
  const at = (name: string): string => join(folder, name)
  writeFileSync(at('text.txt'), readFileSync(join(import.meta.dirname, '..', '..', 'LICENSE'), 'utf8').repeat(4))
  const small = [
    'model.width=32',
    'model.layers="ad"',
    'model.hidden=64',
    'model.window=16',
    'sequenceLength=32',
    'batch=2',
  ]
  const set = [...small, 'schedule.warmup=2'].flatMap((setting) => ['--set', setting])
  execute('node', [mneme, 'train', 'delta', '--data', at('text.txt'), '--steps', '3', '--out', at('run'), ...set])
  execute('node', [mneme, 'scaffold', 'torch', at('run'), '--out', at('project')])
  const tokenizing = ['--tokenizer', at('run/tokenizer'), '--out', at('shards'), at('text.txt')]
  execute('node', [mneme, 'tokenize', ...tokenizing])
  for (const [name, more] of [
    ['ddp', []],
    ['fsdp', ['--fsdp']],
  ] as const) {
    const launch = ['-m', 'torch.distributed.run', '--nproc-per-node', '2', at('project/train.py')]
    const log = execute(python, [...launch, '--data', at('shards'), '--out', at(name), '--steps', '30', ...more])
    execute('node', [mneme, 'export', at(name), '--out', at(`${name}-bundle`), '--text', at('text.txt')])
    const said = await complete(at(`${name}-bundle`))
    process.stdout.write(`${name}: ${log.trim().split('\n').at(-1)}; served: ${JSON.stringify(said)}\n`)
  }
}

/** Serves the bundle and asks for eight tokens. */
async function complete(bundle: string): Promise<string> {
  const server = spawn('node', [mneme, 'serve', bundle, '--port', '0', '--data', join(folder, 'data')], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  try {
    for await (const line of createInterface({ input: server.stdout })) {
      const [url] = /http:\/\/[\w.:[\]]+/.exec(line) ?? []
      if (url === undefined) continue
      const body = JSON.stringify({ model: 'delta', prompt: 'Copyright', max_tokens: 8 })
      const headers = { 'content-type': 'application/json' }
      const answer = await fetch(`${url}/v1/completions`, { method: 'POST', headers, body })
      if (!answer.ok) throw new Error(`completion: ${answer.status} ${await answer.text()}`)
      return ((await answer.json()) as { choices: { text: string }[] }).choices[0]!.text
    }
    throw new Error('the server ended without an address')
  } finally {
    server.kill()
    await new Promise((done) => server.once('exit', done))
  }
}

function execute(command: string, args: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync(command, args, { encoding: 'utf8', maxBuffer: 1 << 26 })
  if (status !== 0)
    throw new Error(`${command} ${args.slice(0, 4).join(' ')} ...: exit ${status}\n${stderr.slice(-3000)}`)
  return stdout
}
