/** What a conversation is continued from: the model's state after a turn, and the tokens that it has not been fed yet. */

/** Positions of append state (keys and values) that one page holds. */
export const PAGE_POSITIONS = 64

/**
 * The state of one sequence as raw bytes. Its memory is shared between threads and never written again once it has been
 * filled, so a state goes from one thread to another without being copied.
 */
export interface SessionState {
  /** The manifest's fixed entries, one after the other, in its order. */
  readonly fixed: Uint8Array
  /**
   * The manifest's append entries in pages: each page holds PAGE_POSITIONS positions of every append entry, in the
   * manifest's order; the last page may hold fewer. Empty for a model without append entries.
   */
  readonly pages: readonly Uint8Array[]
  /** The number of `pages[0]`. Pages before it are the ones of the state that the turn continued. */
  readonly firstPage: number
  /** The memory of an engine that may still hold what `pages` hold; absent where no engine has it. */
  readonly resident?: ResidentRef
}

/** What an engine's memory held when a state was copied from it. */
export interface ResidentRef {
  /** The memory, among all of all engines. */
  readonly memory: string
  /** What had been written there. */
  readonly stamp: number
}

/** Zeros that threads can share. */
export function sharedBytes(length: number): Uint8Array {
  return new Uint8Array(new SharedArrayBuffer(length))
}

/** A copy that threads can share. */
export function sharedCopy(bytes: Uint8Array): Uint8Array {
  const copy = sharedBytes(bytes.length)
  copy.set(bytes)
  return copy
}

export interface Checkpoint {
  readonly state: SessionState
  /** Tokens that the state has been fed. */
  readonly position: number
  /** Tokens that have been sampled but not fed: the next turn feeds them first. */
  readonly pending: readonly number[]
}

/** What the meta-controller decided for a turn, by gate. A replay needs the same decisions. */
export type Gates = Readonly<Record<string, number>>

/** Bytes of a state, for budgets and metrics. */
export function bytesOfState({ fixed, pages }: SessionState): number {
  return pages.reduce((sum, page) => sum + page.byteLength, fixed.byteLength)
}

/** `state` with the pages before its own, which `base` holds; `base` is what the turn continued. */
export function withEarlierPages(state: SessionState, base: SessionState | null): SessionState {
  if (state.firstPage === 0) return state
  const earlier = base?.pages.slice(0, state.firstPage) ?? []
  if (base?.firstPage !== 0 || earlier.length !== state.firstPage)
    throw new Error(`session state: expected ${state.firstPage} earlier pages, got ${earlier.length}`)
  return { ...state, pages: [...earlier, ...state.pages], firstPage: 0 }
}
