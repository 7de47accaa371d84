/** The reader: what a classifier of pairs says of a question and what was told, and of what was told and what came later. */
import { availableParallelism } from 'node:os'
import type { Logger } from 'pino'
import type { Bundle } from '../../runtime/bundle.ts'
import { isReader, readOf, READER_LABELS, type Read } from '../../runtime/reader.ts'
import { ConfigError } from '../config-error.ts'
import type { EmbedderThread, OpenEmbedder } from '../embedding/embedders.ts'
import { openClassifier } from '../embedding/open-classifier.ts'
import type { MemoryBudget } from '../memory-budget.ts'
import type { MemoryHit } from '../store/memory-calls.ts'
import { readAs } from './recall/read-as.ts'

/** Milliseconds after which an answer is waited for no longer. */
const PATIENCE_MS = 5_000
/** UTF-16 units of a text that are read: sentences and questions are shorter. */
const MOST_CHARACTERS = 400
/** A turn waits for it: two take 0.55 of the time of one. */
const THREADS = Math.min(2, availableParallelism())

export interface TextPair {
  readonly first: string
  readonly second: string
}

export interface Reader {
  readonly name: string
  /** What is said of each pair. Rejects where the classifier fails. */
  read(owner: string, pairs: readonly TextPair[], signal?: AbortSignal): Promise<Read[]>
}

/** Whether memories answer a question, as logarithms of odds by their ids; of those that were not read there is none. */
export type Reads = ReadonlyMap<string, number>

/** What was read of two texts; null where they were not read. */
export type ReadOf = (first: string, second: string) => Read | null

/** Reads pairs, each once a turn. */
export type ReadPairs = (pairs: readonly TextPair[]) => Promise<ReadOf>

/** Without a reader. */
export const READS_NOTHING: ReadPairs = async () => () => null

/** The classifier of a bundle, run by `open`. Throws ConfigError where its labels are not those of a reader. */
export function createReader({ manifest }: Pick<Bundle, 'manifest'>, open: OpenEmbedder): Reader {
  const { name, classifier, reader } = manifest
  if (classifier?.task !== 'sequence' || !isReader(classifier.labels))
    throw new ConfigError(
      `--reader: ${name}: expected a bundle with a classifier of pairs that has the labels ${READER_LABELS.join(', ')}`,
    )
  return {
    name,
    async read(owner, pairs, ends) {
      if (pairs.length === 0) return []
      const inputs = pairs.map(({ first, second }) => ({
        first: first.slice(0, MOST_CHARACTERS),
        second: second.slice(0, MOST_CHARACTERS),
      }))
      const timeout = AbortSignal.timeout(PATIENCE_MS)
      const signal = ends ? AbortSignal.any([ends, timeout]) : timeout
      const { vectors } = await open.embed(inputs, { owner, keep: Number.MAX_SAFE_INTEGER, signal })
      return vectors.map((logits) => readOf(logits, reader?.temperature))
    },
  }
}

/** The reader in a thread of its own. Throws where there is no room for it within the budget, or it cannot be opened. */
export async function startReader(bundle: Bundle, thread: EmbedderThread, budget: MemoryBudget): Promise<Reader> {
  const words = { what: 'the reader of memories', otherwise: ', or do without it by --reader none', threads: THREADS }
  return createReader(bundle, await openClassifier(bundle, thread, budget, words))
}

/** Reads in one turn; where the reader fails memories are weighed without it, and the log says so. */
export function readingOnce(
  { reader, log }: { readonly reader: Reader | null; readonly log: Pick<Logger, 'warn'> },
  owner: string,
  signal: AbortSignal,
): ReadPairs {
  if (!reader) return READS_NOTHING
  const keyOf = (first: string, second: string): string => `${first}\n${second}`
  const known = new Map<string, Read>()
  return async (pairs) => {
    const unread = pairs.filter(({ first, second }) => !known.has(keyOf(first, second)))
    try {
      for (const [at, read] of (await reader.read(owner, unread, signal)).entries())
        known.set(keyOf(unread[at]!.first, unread[at]!.second), read)
    } catch (error) {
      signal.throwIfAborted()
      log.warn({ err: error }, 'the reader has failed; memories are weighed without it')
    }
    return (first, second) => known.get(keyOf(first, second)) ?? null
  }
}

/** Whether memories that were found for a question answer it. `before`: what is read before each, by their ids. */
export async function readAnswers(
  read: ReadPairs,
  question: string,
  hits: readonly MemoryHit[],
  before: ReadonlyMap<string, string>,
): Promise<Reads> {
  const pairs = hits.map(({ memory }) => {
    return { id: memory.id, first: question, second: readAs(memory, before.get(memory.id) ?? '') }
  })
  const of = await read(pairs)
  return new Map(
    pairs.flatMap(({ id, first, second }): [string, number][] => {
      const found = of(first, second)
      return found ? [[id, found.answers]] : []
    }),
  )
}
