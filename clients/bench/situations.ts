/** What a turn is measured after, and what is noted of it. */
import type { Turn } from './conversation.ts'

/** In the order of the table. */
export const SITUATIONS = [
  'first turn, by id',
  'continued by id',
  'first turn, chat',
  'resent whole',
  'resent, reasoning stripped',
  'after a restart, by id',
  'after a restart, resent',
  'after a restart, slot saved and restored, resent',
  'after kill -9, by id',
  'after kill -9, resent',
  'after the model was unloaded, by id',
  'after the model was unloaded, resent',
] as const
export type Situation = (typeof SITUATIONS)[number]

/** One turn that was measured. */
export interface NextTurn extends Turn {
  readonly contender: string
  readonly length: number
  readonly situation: Situation
  /** Bytes written to disk because of it; null where the system does not say, or the process is not ours. */
  readonly written: number | null
}
