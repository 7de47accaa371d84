/** Which sequences training may see and which only a test: decided by their tokens, so that none is ever in both. */
import type { Random } from '../../random.ts'
import { DataError } from '../batch.ts'
import type { Sequence, SetTask } from './task.ts'

export type Part = 'train' | 'heldout'

/** Draws that may miss before a task counts as too small to be split. */
const TRIES = 1000

/** The next sequence that belongs to the part: about one in eight is held out. Throws DataError where there is none. */
export function drawSequence(random: Random, task: SetTask, part: Part): Sequence {
  for (let i = 0; i < TRIES; i++) {
    const sequence = task.generate(random)
    if (isHeldOut(sequence.ids) === (part === 'heldout')) return sequence
  }
  throw new DataError(`${task.name}: found no ${part} sequence in ${TRIES} draws with ${JSON.stringify(task.options)}`)
}

/** One sequence in eight, by a hash of its tokens whose bits depend on all of them (FNV-1a, then murmur3's finish). */
export function isHeldOut(ids: readonly number[]): boolean {
  let hash = 0x811c9dc5
  for (const id of ids) hash = Math.imul(hash ^ id, 0x01000193)
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 29 === 0
}
