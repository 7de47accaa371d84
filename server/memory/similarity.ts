/** How near texts are in meaning, by the embedder that memories are found with. */
import type { Deps } from '../deps.ts'

/** How near two of the texts are, as a part of the least that is similar; null where nobody knows. */
export type Similarity = (one: string, other: string) => number | null

/** Milliseconds that a reply waits for the vectors of a few sentences. */
const LONGEST = 5000
/** Of an embedder whose manifest does not say. */
const LEAST_SIMILARITY = 0.5

/** `ends`: of the turn that wants to know. */
export function comparing(
  { embedders: [embedder], log }: Pick<Deps, 'embedders' | 'log'>,
  owner: string,
  ends?: AbortSignal,
): (texts: readonly string[]) => Promise<Similarity> {
  return async (texts) => {
    if (!embedder) return () => null
    const unique = [...new Set(texts)]
    try {
      const timeout = AbortSignal.timeout(LONGEST)
      const signal = ends ? AbortSignal.any([ends, timeout]) : timeout
      const { vectors } = await embedder.embed(unique, { owner, keep: embedder.maxTokens, signal })
      const places = new Map(unique.map((text, at) => [text, at]))
      const vectorOf = (text: string): Float32Array => vectors[places.get(text)!]!
      const least = embedder.leastSimilarity ?? LEAST_SIMILARITY
      return (one, other) => Math.max(0, cosine(vectorOf(one), vectorOf(other))) / least
    } catch (error) {
      log.warn({ err: error }, 'what was told later is compared by its words only')
      return () => null
    }
  }
}

function cosine(one: Float32Array, other: Float32Array): number {
  let [product, a, b] = [0, 0, 0]
  for (const [i, x] of one.entries()) {
    const y = other[i]!
    product += x * y
    a += x * x
    b += y * y
  }
  return product / (Math.sqrt(a * b) || 1)
}
