/** Runs an imported encoder before it may be used: texts alone and padded in a batch, and beside float32. */
import type { VectorGraph } from '../../runtime/embedder.ts'
import type { EncodedText } from '../../runtime/post-processor.ts'
import { difference } from '../verify.ts'
import { ImportError } from './import-error.ts'

export interface EmbedderTrial {
  readonly texts: number
  /** Texts padded in one batch against each alone: the largest difference, relative to the largest number. */
  readonly padded: number
  /** The smallest cosine between a text's vector and that of the same graph in float32; 1 where it is in float32. */
  readonly cosine: number
}

const LENGTHS = [24, 7, 16, 3]
/** Of models in float32, and of those whose inputs are rounded to 8 bits: a last bit decides how some are rounded. */
const TOLERANCE = { exact: 1e-4, rounded: 0.1 }

export interface TriedEncoder {
  readonly vocab: number
  readonly maxTokens: number
  /** Opens a file of the graph, which gives numbers for each text. */
  readonly open: (file: string) => Promise<VectorGraph>
}

/** `exact` is the file of the same graph in float32; without, `file` is in float32 itself. Throws ImportError. */
export async function tryEncoder(file: string, sizes: TriedEncoder, exact?: string): Promise<EmbedderTrial> {
  const texts = LENGTHS.map((length) => textOf(Math.min(length, sizes.maxTokens), sizes.vocab))
  const together = await withGraph(file, sizes, (graph) => graph.embed(texts))
  if (!together.every((vector) => vector.every((x) => Number.isFinite(x))))
    throw new ImportError('trial: expected vectors of finite numbers, got others')
  const alone = await withGraph(file, sizes, async (graph) => {
    const vectors: Float32Array[] = []
    for (const text of texts) vectors.push(...(await graph.embed([text])))
    return vectors
  })
  const padded = Math.max(...texts.map((_, i) => difference(together[i]!, alone[i]!).relative))
  const most = TOLERANCE[exact === undefined ? 'exact' : 'rounded']
  if (!(padded <= most))
    throw new ImportError(`trial: padded: expected vectors within ${most}, got ${padded.toExponential(2)}`)
  if (exact === undefined) return { texts: texts.length, padded, cosine: 1 }
  const reference = await withGraph(exact, sizes, (graph) => graph.embed(texts))
  return { texts: texts.length, padded, cosine: Math.min(...reference.map((vector, i) => cosine(vector, alone[i]!))) }
}

async function withGraph<T>(file: string, { open }: TriedEncoder, use: (graph: VectorGraph) => Promise<T>): Promise<T> {
  const graph = await open(file)
  try {
    return await use(graph)
  } finally {
    graph.close()
  }
}

const textOf = (length: number, vocab: number): EncodedText => {
  const ids = Array.from({ length }, (_, i) => (i * 7919 + length * 11) % vocab)
  return { ids, types: ids.map(() => 0) }
}

/** The cosine of the angle between two vectors. */
export function cosine(a: Float32Array, b: Float32Array): number {
  const dot = (x: Float32Array, y: Float32Array): number => x.reduce((sum, value, i) => sum + value * y[i]!, 0)
  return dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b))
}
