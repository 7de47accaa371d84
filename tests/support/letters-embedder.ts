/** An embedder without a model. */
import { createHash } from 'node:crypto'
import type { EmbedderSource, ServedEmbedder } from '../../server/embedding/served-embedder.ts'
import { generator } from './many-memories.ts'

const WIDTH = 64

/** An embedder that counts pairs of letters: texts that differ in few of them are close. */
export const letters: ServedEmbedder = {
  name: 'letters',
  bundle: 'e'.repeat(64),
  architecture: 'fake',
  parameters: 0,
  created: 0,
  width: WIDTH,
  maxTokens: 512,
  normalize: true,
  runtime: 'fake',
  embed: async (all) => ({
    vectors: all.map((text) => lettersOf(typeof text === 'string' ? text : '')),
    tokens: all.length,
  }),
}

/** The same for a server whose embedders' thread is letters-embedder-thread.ts. */
export function lettersSource(): EmbedderSource {
  const { embed: _, runtime: __, ...description } = letters
  return { description, folder: 'letters', bytes: 0 }
}

export function lettersOf(text: string): Float32Array {
  // Some noise: of vectors that are all the same no ten are the nearest, and no index is made.
  const noise = generator(Number.parseInt(createHash('sha256').update(text).digest('hex').slice(0, 8), 16))
  const counts = Float32Array.from({ length: WIDTH }, () => noise() / 2)
  for (let at = 1; at < text.length; at++) counts[(text.charCodeAt(at - 1) * 31 + text.charCodeAt(at)) % WIDTH]! += 1
  const length = Math.hypot(...counts)
  return counts.map((count) => count / length)
}
