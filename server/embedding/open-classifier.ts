/** Opens the classifier of a bundle in a thread of embedders: its logits are the vectors. */
import type { Bundle } from '../../runtime/bundle.ts'
import type { MemoryBudget } from '../memory-budget.ts'
import type { EmbedderThread, OpenEmbedder } from './embedders.ts'

/** Of what reads a few short texts: more threads do not make it faster. */
const THREADS = 1

/** Throws where there is no room for it within the budget, saying what else can be done, or it cannot be opened. */
export function openClassifier(
  bundle: Bundle,
  thread: EmbedderThread,
  budget: MemoryBudget,
  {
    what,
    otherwise,
    threads = THREADS,
  }: { readonly what: string; readonly otherwise: string; readonly threads?: number },
): Promise<OpenEmbedder> {
  const { name, graphs, files } = bundle.manifest
  const weights = Object.keys(files).filter((one) => one.startsWith(graphs.classifier!.file))
  const bytes = weights.reduce((sum, one) => sum + files[one]!.bytes, 0)
  if (bytes > budget.free)
    throw new Error(
      `${what} (${name}) needs ${bytes} bytes of memory, and --memory leaves ${budget.free}. Allow more${otherwise}.`,
    )
  budget.take('weights', bytes)
  return thread.open(bundle.dir, threads)
}
