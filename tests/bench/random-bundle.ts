/**
 * Writes a bundle of random weights in the shape of a published configuration: honest for speed, useless for text.
 *   npx tsx tests/bench/random-bundle.ts CONFIG.json TOKENIZER_FOLDER OUT [none|int8|int4]
 * CONFIG.json is a config.json of transformers; the tokenizer is that of a model folder or a bundle.
 */
import { readFile } from 'node:fs/promises'
import { bundlePublished } from '../../exporter/import/import.ts'
import { readPublishedConfig } from '../../exporter/import/published-config.ts'
import { readFolderTokenizer } from '../../exporter/import/sources/folder-tokenizer.ts'
import type { Quantization } from '../../exporter/import/weight-formats.ts'
import { elements, flatten, type Spec } from '../../models/spec.ts'
import { Random } from '../../trainer/random.ts'

const [configFile, folder, out, quantization = 'int4'] = process.argv.slice(2)
if (configFile === undefined || folder === undefined || out === undefined)
  throw new Error('usage: random-bundle.ts CONFIG.json TOKENIZER_FOLDER OUT [none|int8|int4]')
const published = readPublishedConfig(JSON.parse(await readFile(configFile, 'utf8')) as Record<string, unknown>)
const tokenizer = await readFolderTokenizer(folder, {}, {})
if (!tokenizer) throw new Error(`${folder}: expected a tokenizer.json, got none`)

const random = new Random(1)
// Normal numbers are dear: every tensor gets a piece of one long row of them.
const pool = Float32Array.from({ length: 1 << 20 }, () => random.normal())
const specs = new Map(flatten(published.model.params))

/** Rows of a parameter, as its initial values are drawn. */
function rows({ init, shape }: Spec, from: number, to: number): Float32Array {
  const width = elements(shape.slice(1))
  const [mean, std] = init.kind === 'normal' ? [0, init.std] : init.kind === 'constant' ? [init.value, 0] : [-1, 0.1]
  const start = random.int(pool.length)
  return Float32Array.from({ length: (to - from) * width }, (_, i) => mean + std * pool[(start + i) % pool.length]!)
}

const shape = (name: string): number[] => specs.get(name)!.shape.map(Number)
const readRows = (name: string, from: number, to: number) => Promise.resolve(rows(specs.get(name)!, from, to))
const tensors = {
  names: [...specs.keys()],
  shape,
  readRows,
  read: (name: string) => readRows(name, 0, shape(name)[0] ?? 1),
  blocks: () => Promise.resolve(undefined),
  blockKind: () => null,
  close: () => Promise.resolve(),
}
const bindings = new Map([...specs.keys()].map((path) => [path, { kind: 'stacked', names: [path] } as const]))
const options = {
  source: configFile,
  out,
  name: `random-${published.family}`,
  quantization: quantization as Quantization,
}
const { manifest, trial } = await bundlePublished(options, {
  source: { about: `random weights in the shape of ${configFile}`, generation: {}, tensors },
  published,
  bindings,
  tokenizer,
})
console.log(
  `${out}: ${manifest.architecture}, ${(manifest.parameters / 1e6).toFixed(0)} M parameters, ${JSON.stringify(trial)}`,
)
