/** The embedder of a bundle as a function: texts in, a vector for each of them out. */
import type { Bundle } from './bundle.ts'
import { RuntimeError } from './errors.ts'
import type { GraphOptions } from './graph.ts'
import { ManifestError, tokenizerOf } from './manifest.ts'
import { openGraph } from './open-graph.ts'
import type { EncodedText } from './post-processor.ts'
import { openSentenceTokenizer, type SentenceTokenizer } from './sentence-tokenizer.ts'
import { createTensor, type Tensor } from './tensor.ts'

/** Tokens of one call, padding included: more are no faster, and take more memory. */
const CALL_TOKENS = 2048
/** What a call costs besides its tokens, in tokens: .3 ms of the bundled embedder, .5 ms of the reader. */
const CALL_COST = 8

export interface VectorGraph {
  /** A vector for each text. Texts of similar length share a call. */
  embed(texts: readonly EncodedText[]): Promise<Float32Array[]>
  close(): void
}

export interface Embedder extends VectorGraph, SentenceTokenizer {
  /** Numbers of a vector. */
  readonly width: number
  readonly maxTokens: number
  /** Ids are below this. */
  readonly vocab: number
}

/** Opens the embedder of a bundle. Throws ManifestError where it has none. */
export async function openEmbedder(bundle: Bundle, options: GraphOptions = {}): Promise<Embedder> {
  const { graphs, embedder, name } = bundle.manifest
  if (!graphs.embedder || !embedder)
    throw new ManifestError(`${name}: expected a bundle with an embedder, got one without; import a sentence encoder`)
  const { width, maxTokens } = embedder
  const { vocab } = tokenizerOf(bundle.manifest)
  const tokenizer = openSentenceTokenizer(bundle.dir, maxTokens)
  return {
    width,
    maxTokens,
    vocab,
    ...tokenizer,
    ...(await openVectorGraph(bundle.path(graphs.embedder.file), width, options)),
  }
}

/** Opens the file of an embedder whose vectors have `width` numbers. */
export async function openVectorGraph(file: string, width: number, options: GraphOptions = {}): Promise<VectorGraph> {
  const graph = await openGraph(file, options)
  const run = async (texts: readonly EncodedText[]): Promise<Float32Array> => {
    const embedding = createTensor('float32', [texts.length, width])
    const binding = graph.bind(paddedInputs(texts), { embedding })
    try {
      await binding.run()
    } finally {
      binding.release()
    }
    return embedding.data
  }
  return {
    async embed(texts) {
      const vectors: Float32Array[] = Array.from({ length: texts.length })
      for (const call of callsOf(texts)) {
        const found = await run(call.map((at) => texts[at]!))
        for (const [row, at] of call.entries()) vectors[at] = found.slice(row * width, (row + 1) * width)
      }
      return vectors
    },
    close: () => graph.close(),
  }
}

/** Inputs of one call: rows are padded to the longest. What stands at padding is masked. */
export function paddedInputs(texts: readonly EncodedText[]): Record<'ids' | 'mask' | 'types', Tensor<'int32'>> {
  const longest = Math.max(...texts.map(({ ids }) => ids.length))
  if (texts.some(({ ids }) => ids.length === 0))
    throw new RuntimeError('encoder: expected texts of tokens, got an empty one')
  const rows = (of: (text: EncodedText) => readonly number[]): Tensor<'int32'> => {
    const tensor = createTensor('int32', [texts.length, longest])
    for (const [row, text] of texts.entries()) tensor.data.set(of(text), row * longest)
    return tensor
  }
  return { ids: rows(({ ids }) => ids), mask: rows(({ ids }) => ids.map(() => 1)), types: rows(({ types }) => types) }
}

/** Which texts are computed together: sorted by length, as long as their padding costs less than another call. */
export function callsOf(texts: readonly EncodedText[]): number[][] {
  const lengthOf = (at: number): number => texts[at]!.ids.length
  const order = texts.map((_, at) => at).toSorted((a, b) => lengthOf(a) - lengthOf(b))
  const calls: number[][] = []
  for (const at of order) {
    const call = calls.at(-1)
    const padding = call ? call.length * (lengthOf(at) - lengthOf(call.at(-1)!)) : Infinity
    if (call && padding <= CALL_COST && (call.length + 1) * lengthOf(at) <= CALL_TOKENS) call.push(at)
    else calls.push([at])
  }
  return calls
}
