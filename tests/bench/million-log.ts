/** The log of tests/bench/million.ts: a line for each long turn of the session and the short one after it. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

export interface SessionPoint {
  readonly turn: number
  /** The response that the next turn continues. */
  readonly id: string
  /** Of the whole session. */
  readonly tokens: number
  /** Tokens that the long turn computed, and milliseconds for each until its first token. */
  readonly computed: number
  readonly msPerToken: number
  /** The same of the short turn: its tokens, and milliseconds to its first. */
  readonly shortComputed: number
  readonly shortTtft: number
  /** Resident and swapped memory of the server. */
  readonly memoryMiB: number
}

export const LOG = join('docs', 'results', 'million', 'turns.jsonl')

/** What is measured so far. */
export function readSession(): SessionPoint[] {
  if (!existsSync(LOG)) return []
  const lines = readFileSync(LOG, 'utf8').trim().split('\n')
  return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as SessionPoint)
}
