/** Opens the encoder of the critic in a thread of its own. */
import type { Bundle } from '../../../runtime/bundle.ts'
import type { EmbedderThread } from '../../embedding/embedders.ts'
import type { MemoryBudget } from '../../memory-budget.ts'
import { createClaimEncoder, type ClaimEncoder } from './claim-encoder.ts'

/** Replies have few sentences: more threads do not make them faster. */
const THREADS = 1

/** Throws where there is no room for it within the budget, or it cannot be opened. */
export async function startCritic(bundle: Bundle, thread: EmbedderThread, budget: MemoryBudget): Promise<ClaimEncoder> {
  const { name, graphs, files } = bundle.manifest
  const weights = Object.keys(files).filter((one) => one.startsWith(graphs.classifier!.file))
  const bytes = weights.reduce((sum, one) => sum + files[one]!.bytes, 0)
  if (bytes > budget.free)
    throw new Error(
      `the critic ${name} needs ${bytes} bytes of memory, and --memory leaves ${budget.free}. ` +
        'Allow more, or check by --critic rules.',
    )
  budget.take('weights', bytes)
  return createClaimEncoder(bundle, await thread.open(bundle.dir, THREADS))
}
