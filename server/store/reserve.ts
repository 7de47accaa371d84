/** Disk space that is set aside, so that a deletion still works when the disk is full. */
import { closeSync, fsyncSync, openSync, rmSync, statfsSync, statSync, writeSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** Enough for the log of one deletion: SQLite overwrites the deleted pages, and each overwritten page is logged. */
const RESERVE_BYTES = 4 * 1024 * 1024
/** The reserve is made only where this many times its size is free. */
const ROOM = 4

export interface Reserve {
  /** Gives the space back to the disk; false if there was none. */
  release(): boolean
  /** Sets the space aside again if there is room. */
  refill(): void
}

export function createReserve(folder: string): Reserve {
  const path = join(folder, 'reserve')
  const held = (): boolean => statSync(path, { throwIfNoEntry: false })?.size === RESERVE_BYTES
  return {
    release() {
      const was = held()
      rmSync(path, { force: true })
      return was
    },
    refill() {
      if (held()) return
      try {
        const { bavail, bsize } = statfsSync(dirname(path))
        if (bavail * bsize < RESERVE_BYTES * ROOM) return
        write(path)
      } catch {
        rmSync(path, { force: true }) // half a reserve helps nobody
      }
    },
  }
}

/** Written in full: a sparse file would set nothing aside. */
function write(path: string): void {
  const file = openSync(path, 'w', 0o600)
  try {
    writeSync(file, Buffer.alloc(RESERVE_BYTES, 1))
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
}
