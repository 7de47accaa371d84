/** The bundled embedder and reader in this thread, for a history that is searched and read as a server does it. */
import { loadBundle } from '../../runtime/bundle.ts'
import { openEmbedder } from '../../runtime/embedder.ts'
import { DEFAULT_EMBEDDER } from '../../server/cli.ts'
import { openReader } from './bundled-reader.ts'
import type { ByMeaning } from './memory-history.ts'

export async function bundledMemory(): Promise<ByMeaning & { readonly close: () => void }> {
  const embedder = await openEmbedder(await loadBundle(DEFAULT_EMBEDDER))
  const { reader, close } = await openReader()
  return {
    vectorOf: async (text) => ({
      embedder: 'bundled',
      vector: (await embedder.embed([embedder.encode(text)]))[0]!,
    }),
    reader,
    close() {
      embedder.close()
      close()
    },
  }
}
