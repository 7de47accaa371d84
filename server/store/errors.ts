/** Why the store could not do what it was asked. */

/**
 * `full`: no space is left. `read_only`: the data folder cannot be written. `corrupt`: bytes on disk are not what was
 * written. `gone`: the data folder's files were removed or replaced, or the store's thread has ended. `erased`: a turn
 * rests on what was deleted while it was made. `busy`: another turn came first in its conversation. `away`: the server that holds memories cannot be reached. `failed`: anything
 * else, such as a disk error.
 */
export type StoreFailure = 'full' | 'read_only' | 'corrupt' | 'gone' | 'erased' | 'busy' | 'away' | 'failed'

/** The data folder cannot be used, or a call did not take effect. */
export class StoreError extends Error {
  override name = 'StoreError' as const
  readonly reason: StoreFailure

  constructor(reason: StoreFailure, message: string, options?: ErrorOptions) {
    super(message, options)
    this.reason = reason
  }
}

/** Whether memories cannot be had now because the server that holds them cannot be reached. */
export function isAway(error: unknown): boolean {
  return error instanceof StoreError && error.reason === 'away'
}

/** Primary result codes of SQLite (sqlite.org/rescode.html). */
const REASONS: Readonly<Record<number, StoreFailure>> = { 8: 'read_only', 11: 'corrupt', 13: 'full', 26: 'corrupt' }

/** Any thrown value as a StoreError: SQLite's own errors by their result code. */
export function toStoreError(error: unknown): StoreError {
  if (error instanceof StoreError) return error
  const { rawCode } = error as { rawCode?: number }
  const { code } = error as { code?: string }
  const message = error instanceof Error ? error.message : String(error)
  if (code === 'ENOSPC' || code === 'EDQUOT') return new StoreError('full', message, { cause: error })
  if (code === 'EROFS' || code === 'EACCES') return new StoreError('read_only', message, { cause: error })
  const reason = typeof rawCode === 'number' ? REASONS[rawCode & 0xff] : undefined
  return new StoreError(reason ?? 'failed', message, { cause: error })
}
