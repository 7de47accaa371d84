/** Vectors of texts as the bundled embedder makes them, for a history that is searched by meaning. */
import { loadBundle } from '../../runtime/bundle.ts'
import { openEmbedder } from '../../runtime/embedder.ts'
import { DEFAULT_EMBEDDER } from '../../server/cli.ts'
import type { MadeVector } from '../../server/store/memory-calls.ts'

export interface BundledVectors {
  readonly vectorOf: (text: string) => Promise<MadeVector>
  readonly close: () => void
}

export async function bundledVectors(): Promise<BundledVectors> {
  const embedder = await openEmbedder(await loadBundle(DEFAULT_EMBEDDER))
  return {
    vectorOf: async (text) => ({
      embedder: 'bundled',
      vector: (await embedder.embed([embedder.encode(text)]))[0]!,
    }),
    close: () => embedder.close(),
  }
}
