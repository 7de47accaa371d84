/** What the HTTP thread and the store's thread say to each other. */
import type { StoreCalls } from './records.ts'

/** What the thread is started with. */
export interface StoreOptions {
  readonly folder: string
  readonly keepStates: number
  /** Upper limit of the database's size in pages of 4 KiB. */
  readonly maxPages?: number
}

export type ToStore = {
  readonly id: number
  readonly name: keyof StoreCalls | 'close'
  readonly args: readonly unknown[]
}
export type FromStore = { readonly id: number; readonly value?: unknown; readonly error?: string }

/** The id of the message that says whether the folder could be opened. */
export const OPENED = 0
