/**
 * Our engine beside others on ONNX Runtime, transformers.js and onnxruntime-genai, on the same weights in 4 bits, in rounds that
 * take turns. The folders that they read are written from our own graph, with their names of inputs and outputs.
 *   bash tests/bench/peers/setup.sh packages
 *   npx tsx tests/bench/peers/onnx-engines.ts MODEL.gguf [--rounds 3] [--threads 2]
 */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { importModel } from '../../../exporter/import/import.ts'
import { writeOnnxFolder } from '../../support/onnx-folders.ts'
import { Engine } from './engine-process.ts'
import { CASES, ratesOf } from './rounds.ts'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { rounds: { type: 'string', default: '3' }, threads: { type: 'string', default: '2' } },
})
const [given] = positionals
if (given === undefined) throw new Error('usage: onnx-engines.ts MODEL.gguf [--rounds 3] [--threads 2]')
const source = resolve(given)

const folder = await mkdtemp(join(tmpdir(), 'mneme-onnx-engines-'))
const ours = join(folder, 'mneme')
await importModel({ source, out: ours, quantization: 'int4' })
const quantization = 'int4'
const transformers = join(folder, 'transformers')
await writeOnnxFolder(transformers, source, {
  convention: 'transformers.js',
  caches: 'shared',
  keep: true,
  quantization,
})
const genai = join(folder, 'genai')
await writeOnnxFolder(genai, source, { convention: 'genai', caches: 'shared', quantization })
await limitThreads(join(genai, 'genai_config.json'), Number(values.threads))

const engines = [
  Engine.mneme('mneme int4', ours, values.threads),
  Engine.transformers(transformers, values.threads),
  Engine.genai(genai, values.threads),
]
const rates = await ratesOf(engines, Number(values.rounds))
console.log(
  `| ${values.threads} threads, medians of ${values.rounds} rounds | ${engines.map(({ name }) => name).join(' | ')} |`,
)
console.log(`|---|${engines.map(() => '---').join('|')}|`)
for (const { name } of CASES) {
  const own = rates(name, engines[0]!)
  const cells = engines.map((engine, i) => {
    const rate = rates(name, engine)
    return i === 0 ? rate.toFixed(1) : `${rate.toFixed(1)} (${(own / rate).toFixed(2)}x)`
  })
  console.log(`| ${name} | ${cells.join(' | ')} |`)
}
for (const engine of engines) engine.close()
await rm(folder, { recursive: true })

/** onnxruntime-genai takes its threads from its configuration. */
async function limitThreads(file: string, threads: number): Promise<void> {
  const config = JSON.parse(await readFile(file, 'utf8')) as { model: { decoder: { session_options: object } } }
  config.model.decoder.session_options = { ...config.model.decoder.session_options, intra_op_num_threads: threads }
  await writeFile(file, JSON.stringify(config, null, 2))
}
