/** What answers small talk in place of a model that has no reply to it: a classifier chooses among written replies. */
import type { Bundle } from '../../runtime/bundle.ts'
import { fittingReply, type FittingReply } from '../../runtime/small-talk.ts'
import { ConfigError } from '../config-error.ts'
import type { Logger } from 'pino'
import type { EmbedderThread, OpenEmbedder } from '../embedding/embedders.ts'
import { openClassifier } from '../embedding/open-classifier.ts'
import type { MemoryBudget } from '../memory-budget.ts'

/** Milliseconds after which an answer is waited for no longer. */
const PATIENCE_MS = 5_000

/** Small talk is short: of a longer message the beginning is read. */
const MOST_CHARACTERS = 500

export interface SmallTalk {
  readonly name: string
  /** The reply that fits a message; null where none is likely enough. Rejects where the classifier fails. */
  reply(owner: string, message: string): Promise<FittingReply | null>
}

/** The classifier of a bundle, run by `open`. Throws ConfigError where its labels are no replies. */
export function createSmallTalk({ manifest }: Pick<Bundle, 'manifest'>, open: OpenEmbedder): SmallTalk {
  const { name, classifier, smallTalk } = manifest
  if (!classifier || !smallTalk)
    throw new ConfigError(`${name}: expected a bundle with a classifier of replies to small talk, got one without`)
  return {
    name,
    async reply(owner, message) {
      const text = message.slice(0, MOST_CHARACTERS).trim()
      if (text === '') return null
      const signal = AbortSignal.timeout(PATIENCE_MS)
      const { vectors } = await open.embed([text], { owner, keep: Number.MAX_SAFE_INTEGER, signal })
      return fittingReply(vectors[0]!, classifier.labels, smallTalk)
    },
  }
}

/** As `reply`; null also where there is nothing that answers small talk, or it fails, which is logged. */
export async function replyTo(
  smallTalk: SmallTalk | null,
  owner: string,
  message: string,
  log: Pick<Logger, 'warn'>,
): Promise<FittingReply | null> {
  try {
    return (await smallTalk?.reply(owner, message)) ?? null
  } catch (error) {
    log.warn({ err: error }, 'what answers small talk has failed; a general reply is given')
    return null
  }
}

/** Opens the bundle; without room for it, or where it cannot be opened, small talk gets general replies, and the log says so. */
export async function startSmallTalk(
  bundle: Bundle | null,
  thread: EmbedderThread,
  budget: MemoryBudget,
  log: Logger,
): Promise<SmallTalk | null> {
  if (!bundle) return null
  try {
    const words = { what: 'what answers small talk', otherwise: '' }
    return createSmallTalk(bundle, await openClassifier(bundle, thread, budget, words))
  } catch (error) {
    log.warn({ err: error }, 'small talk gets general replies')
    return null
  }
}
