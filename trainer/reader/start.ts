/**
 * What the bundled reader starts from: a published BERT encoder's weights with the vectors of fewer tokens and positions, and a
 * tokenizer of these.
 *   npx tsx trainer/reader/start.ts MODEL OUT [--tokens 20000] [--positions 128]
 * MODEL is a folder of the encoder. OUT gets tokenizer.json, tokenizer_config.json and start.safetensors.
 */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { bindTensors, readParameter } from '../../exporter/import/bind.ts'
import { readPublishedEncoder } from '../../exporter/import/published-config.ts'
import { openSource } from '../../exporter/import/sources/source.ts'
import { flatten } from '../../models/spec.ts'
import { openSentenceTokenizer } from '../../runtime/sentence-tokenizer.ts'
import { createTensor, type Tensor } from '../../runtime/tensor.ts'
import { readTokenizerFiles } from '../../runtime/tokenizer-files.ts'
import { smallerTokenizer } from '../embedder/smaller-vocabulary.ts'
import { spokenTokens } from '../embedder/spoken-tokens.ts'
import { writeText } from '../files.ts'
import { encodeSafetensors } from '../safetensors.ts'

interface StartOptions {
  readonly model: string
  readonly out: string
  readonly tokens: number
  readonly positions: number
}

/** Writes what a run of the recipe `reader` starts from. Throws for what is no BERT encoder. */
export async function writeReaderStart({ model: folder, out, tokens: size, positions }: StartOptions): Promise<void> {
  const published = readTokenizerFiles(folder)
  const spoken = await spokenTokens(openSentenceTokenizer(folder, positions), published)
  const { files, tokens } = smallerTokenizer(published, size, { isNeeded: (token) => spoken.has(token), framed: true })
  const { vocab } = (published.tokenizer as { readonly model: { vocab: Record<string, number> } }).model
  const source = await openSource(folder)
  try {
    const model = readPublishedEncoder(source.config)
    if (model?.architecture !== 'bert') throw new Error(`${folder}: expected a BERT encoder, got another model`)
    const specs = new Map(flatten(model.params))
    const weights: Record<string, Tensor> = {}
    for (const [path, binding] of bindTensors(model, source.tensors)) {
      const shape = specs.get(path)!.shape.map(Number)
      const data = await readParameter(binding, source.tensors)
      const rows = rowsOf(path)
      weights[path] = rows ? chosenRows(data, shape[1]!, rows) : filled(shape, data)
    }
    await mkdir(out, { recursive: true })
    await writeText(join(out, 'tokenizer.json'), `${JSON.stringify(files.tokenizer)}\n`)
    await writeText(join(out, 'tokenizer_config.json'), `${JSON.stringify(files.config)}\n`)
    await writeFile(join(out, 'start.safetensors'), encodeSafetensors(weights))
  } finally {
    await source.tensors.close()
  }

  /** The rows of a table that are kept; undefined: it is none. */
  function rowsOf(path: string): readonly number[] | undefined {
    if (path === 'embed_tokens.weight') return tokens.map((token) => vocab[token]!)
    return path === 'embed_positions.weight' ? Array.from({ length: positions }, (_, at) => at) : undefined
  }
}

function chosenRows(data: Float32Array, width: number, rows: readonly number[]): Tensor {
  const tensor = createTensor('float32', [rows.length, width])
  for (const [at, row] of rows.entries()) tensor.data.set(data.subarray(row * width, (row + 1) * width), at * width)
  return tensor
}

function filled(shape: readonly number[], data: Float32Array): Tensor {
  const tensor = createTensor('float32', [...shape])
  tensor.data.set(data)
  return tensor
}

if (import.meta.filename === process.argv[1]) {
  const option = (value: string) => ({ type: 'string', default: value }) as const
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { tokens: option('20000'), positions: option('128') },
  })
  const [model, out] = positionals
  if (model === undefined || out === undefined) throw new Error('expected the folder of an encoder and one to write to')
  await writeReaderStart({ model, out, tokens: Number(values.tokens), positions: Number(values.positions) })
}
