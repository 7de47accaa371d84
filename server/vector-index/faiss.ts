/** faiss-node as `npm run setup:faiss` builds it, and what of it is used. */
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { packageRoot } from '../../runtime/package.ts'

/** An index; vectors have labels 0, 1, 2... in the order in which they were added. Numbers are plain arrays. */
export interface FaissIndex {
  ntotal(): number
  getDimension(): number
  add(numbers: readonly number[]): void
  /** `most` may not be more than there are; where fewer are found, labels are -1. */
  search(
    numbers: readonly number[],
    most: number,
  ): { readonly distances: readonly number[]; readonly labels: readonly number[] }
  /** Twice its memory at least, which stays taken until the process ends. */
  toBuffer(): Buffer
}

export interface Faiss {
  readonly Index: {
    fromFactory(width: number, description: string, metric: number): FaissIndex
    fromBuffer(bytes: Buffer): FaissIndex
    read(file: string): FaissIndex
  }
}

export const INNER_PRODUCT = 0

const ADDON = 'node_modules/faiss-node/build/Release/faiss-node.node'

/** Where the addon is; null where it was not built. */
export function findFaiss(): string | null {
  const file = join(packageRoot(), ADDON)
  return existsSync(file) ? file : null
}

/** Only in a process of its own: faiss ends the process where a call goes wrong. Throws where the addon cannot be loaded. */
export function loadFaiss(): Faiss {
  return createRequire(import.meta.url)(join(packageRoot(), ADDON)) as Faiss
}
