/** What few bits cost: size, perplexity and divergence of an imported model beside the same in float32, on a text. */
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { loadBundle } from '../../runtime/bundle.ts'
import { openDecoder, type Decoder, type State } from '../../runtime/decoder.ts'
import { openText } from '../../runtime/text.ts'
import { ImportError } from './import-error.ts'
import { importModel, type ImportOptions } from './import.ts'

export interface QuantizationReport {
  /** Tokens of the text that were predicted. */
  readonly tokens: number
  /** Bytes of all files. */
  readonly bytes: { readonly float32: number; readonly quantized: number }
  readonly perplexity: { readonly float32: number; readonly quantized: number }
  /** Mean Kullback-Leibler divergence of the predictions from those in float32, in nats. */
  readonly divergence: number
}

/** Tokens of the text that are read, and of one call. */
const MOST_TOKENS = 1024
const PIECE = 64

/** Compares the bundle at `o.out` with the same source in float32, which is imported beside it and removed. */
export async function reportQuantization(o: ImportOptions, textFile: string): Promise<QuantizationReport> {
  const ids = openText(o.out)
    .encode(await readFile(textFile, 'utf8'))
    .slice(0, MOST_TOKENS)
  if (ids.length < 2) throw new ImportError(`${textFile}: expected a text of at least 2 tokens, got ${ids.length}`)
  const folder = await mkdtemp(join(dirname(resolve(o.out)), '.mneme-report-'))
  try {
    await importModel({ ...o, out: join(folder, 'float32'), quantization: 'none' })
    const [whole, few] = [await open(join(folder, 'float32')), await open(o.out)]
    const found = await compare(whole.decoder, few.decoder, ids)
    whole.decoder.close()
    few.decoder.close()
    return { ...found, bytes: { float32: whole.bytes, quantized: few.bytes } }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function open(folder: string): Promise<{ decoder: Decoder; bytes: number }> {
  const bundle = await loadBundle(folder)
  const { files, graphs, state } = bundle.manifest
  const bytes = Object.values(files).reduce((sum, file) => sum + file.bytes, 0)
  return { decoder: await openDecoder(bundle.path(graphs.decoder.file), state, { threads: 2 }), bytes }
}

async function compare(whole: Decoder, few: Decoder, ids: readonly number[]) {
  const sums = { float32: 0, quantized: 0, divergence: 0 }
  let [a, b]: [State, State] = [whole.start(1), few.start(1)]
  for (let at = 0; at + 1 < ids.length; at += PIECE) {
    const piece = ids.slice(at, Math.min(at + PIECE, ids.length - 1))
    const [first, second] = [await whole.run([piece], a), await few.run([piece], b)]
    a = first.state
    b = second.state
    for (let t = 0; t < piece.length; t++) {
      const [p, q] = [first, second].map(({ logits }) => logProbs(rowOf(logits.data as Float32Array, t, whole.vocab)))
      const next = ids[at + t + 1]!
      sums.float32 -= p![next]!
      sums.quantized -= q![next]!
      for (let id = 0; id < p!.length; id++) sums.divergence += Math.exp(p![id]!) * (p![id]! - q![id]!)
    }
  }
  const tokens = ids.length - 1
  const perplexity = { float32: Math.exp(sums.float32 / tokens), quantized: Math.exp(sums.quantized / tokens) }
  return { tokens, perplexity, divergence: sums.divergence / tokens }
}

const rowOf = (logits: Float32Array, row: number, vocab: number): Float32Array =>
  logits.subarray(row * vocab, (row + 1) * vocab)

function logProbs(logits: Float32Array): Float64Array {
  let most = -Infinity
  for (const x of logits) most = Math.max(most, x)
  let sum = 0
  for (const x of logits) sum += Math.exp(x - most)
  const total = Math.log(sum) + most
  return Float64Array.from(logits, (x) => x - total)
}
