/** The bundled reader in this thread, as a server has it in one of its own. */
import { loadBundle } from '../../runtime/bundle.ts'
import { openLogits } from '../../runtime/classifier.ts'
import type { Read } from '../../runtime/reader.ts'
import { DEFAULT_READER } from '../../server/cli.ts'
import { createReader, type Reader, type TextPair } from '../../server/memory/reader.ts'

export async function openReader(
  folder = DEFAULT_READER,
): Promise<{ readonly reader: Reader; readonly close: () => void }> {
  const bundle = await loadBundle(folder)
  const encoder = await openLogits(bundle)
  const embed = async (inputs: readonly unknown[]) => {
    const texts = (inputs as readonly TextPair[]).map(({ first, second }) => encoder.encodePair(first, second))
    return { vectors: await encoder.embed(texts), tokens: 0 }
  }
  return { reader: createReader(bundle, { runtime: 'test', embed }), close: () => encoder.close() }
}

/** Pairs that are read at once. */
const BATCH = 64

/** What a reader says of each of these pairs. */
export async function readPairs(
  pairs: readonly TextPair[],
  folder = DEFAULT_READER,
): Promise<(pair: TextPair) => Read> {
  const keyOf = ({ first, second }: TextPair): string => `${first}\n${second}`
  const { reader, close } = await openReader(folder)
  const unlike = [...new Map(pairs.map((pair) => [keyOf(pair), pair])).values()]
  // Those of a batch are padded to the longest.
  const inOrder = unlike.toSorted((a, b) => keyOf(a).length - keyOf(b).length)
  const known = new Map<string, Read>()
  for (let from = 0; from < inOrder.length; from += BATCH) {
    const batch = inOrder.slice(from, from + BATCH)
    for (const [at, read] of (await reader.read('bench', batch)).entries()) known.set(keyOf(batch[at]!), read)
  }
  close()
  return (pair) => known.get(keyOf(pair))!
}
