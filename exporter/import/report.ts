/** What few bits cost: size, perplexity and divergence of an imported model beside the same in float32, on a text. */
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { decoderOf, loadBundle } from '../../runtime/bundle.ts'
import { openDecoder, type Decoder } from '../../runtime/decoder.ts'
import { openText } from '../../runtime/text.ts'
import { type Divergence, DivergenceMeter, predictions } from '../divergence.ts'
import type { KvCost } from '../kv-cost.ts'
import { ImportError } from './import-error.ts'
import type { ImportOptions } from './import-options.ts'
import { importModel } from './import.ts'
import type { Quantization } from './weight-formats.ts'

export interface QuantizationReport extends Omit<Divergence, 'perplexity'> {
  /** Bytes of all files. */
  readonly bytes: { readonly float32: number; readonly quantized: number }
  readonly perplexity: { readonly float32: number; readonly quantized: number }
  /** The share of keys and values in fewer bits: beside the same weights with float32 ones. */
  readonly kv?: KvCost
}

/** Tokens of the text that are read. */
const MOST_TOKENS = 1024

/** Compares the bundle at `o.out` with the same source in float32, which is imported beside it and removed. */
export async function reportQuantization(o: ImportOptions, textFile: string): Promise<QuantizationReport> {
  const ids = openText(o.out)
    .encode(await readFile(textFile, 'utf8'))
    .slice(0, MOST_TOKENS)
  if (ids.length < 2) throw new ImportError(`${textFile}: expected a text of at least 2 tokens, got ${ids.length}`)
  const folder = await mkdtemp(join(dirname(resolve(o.out)), '.mneme-report-'))
  const { kv, ...plain } = o
  const beside = async (name: string, quantization: Quantization) => {
    const out = join(folder, name)
    await importModel({ ...plain, out, quantization })
    return compare(out, o.out, ids)
  }
  try {
    const { perplexity, bytes, ...found } = await beside('float32', 'none')
    const report = {
      ...found,
      bytes: { float32: bytes.reference, quantized: bytes.compared },
      perplexity: { float32: perplexity.reference, quantized: perplexity.compared },
    }
    if (kv === undefined || kv === 'float32') return report
    const { bytes: _, ...cost } = await beside('float32-kv', o.quantization)
    return { ...report, kv: { dtype: kv, ...cost } }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function compare(reference: string, compared: string, ids: readonly number[]) {
  const [whole, few] = [await open(reference), await open(compared)]
  const meter = new DivergenceMeter()
  const others = predictions(few.decoder, ids)
  for await (const { logits, next } of predictions(whole.decoder, ids)) {
    const other = await others.next()
    if (!other.done) meter.add(logits, other.value.logits, next)
  }
  whole.decoder.close()
  few.decoder.close()
  return { ...meter.result(), bytes: { reference: whole.bytes, compared: few.bytes } }
}

async function open(folder: string): Promise<{ decoder: Decoder; bytes: number }> {
  const bundle = await loadBundle(folder)
  const { manifest } = bundle
  const bytes = Object.values(manifest.files).reduce((sum, file) => sum + file.bytes, 0)
  return { decoder: await openDecoder(bundle.path(decoderOf(manifest).file), manifest.state, { threads: 2 }), bytes }
}
