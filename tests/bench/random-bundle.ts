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
import { randomPublished } from '../support/random-published.ts'

const [configFile, folder, out, quantization = 'int4'] = process.argv.slice(2)
if (configFile === undefined || folder === undefined || out === undefined)
  throw new Error('usage: random-bundle.ts CONFIG.json TOKENIZER_FOLDER OUT [none|int8|int4]')
const published = readPublishedConfig(JSON.parse(await readFile(configFile, 'utf8')) as Record<string, unknown>)
const tokenizer = await readFolderTokenizer(folder, {}, {})
if (!tokenizer) throw new Error(`${folder}: expected a tokenizer.json, got none`)
const options = {
  source: configFile,
  out,
  name: `random-${published.family}`,
  quantization: quantization as Quantization,
}
const about = `random weights in the shape of ${configFile}`
const { manifest, trial } = await bundlePublished(options, randomPublished(published, tokenizer, about))
console.log(
  `${out}: ${manifest.architecture}, ${(manifest.parameters / 1e6).toFixed(0)} M parameters, ${JSON.stringify(trial)}`,
)
