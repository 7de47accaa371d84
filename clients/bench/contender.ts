/** A server under measurement, and what the measurements need to know of it. */
import { readFileSync } from 'node:fs'
import type { Address } from './stream.ts'

/**
 * `speed`: prompts of their own, `concurrency` at once. `turns`: one conversation. `unloads`: the same, in a server that
 * can drop its model from memory.
 */
export type Workload = 'speed' | 'turns' | 'unloads'

/** A server process that is started for the measurement, again and again over the same data. */
export interface ManagedServer {
  /** Starts it and waits until it takes requests. Returns its address. */
  start(workload: Workload): Promise<string>
  /** Ends it: SIGTERM as its operator would, SIGKILL as a crash. Does nothing where it does not run. */
  stop(signal: 'SIGTERM' | 'SIGKILL'): Promise<void>
  /** Makes a server started for `unloads` drop the model that it has used; resolves when it has. */
  unload(): Promise<void>
  /** How its operator saves what it has of the conversation to a file, where it can, and reads it again. */
  readonly slot?: { save(url: string): Promise<void>; restore(url: string): Promise<void> }
  /** Bytes that the process has written to disk since it was started; null where the system does not say. */
  bytesWritten(): number | null
}

export interface Contender {
  readonly name: string
  readonly model: string
  readonly apiKey?: string | undefined
  /** Whether POST /v1/responses with `previous_response_id` goes on from a kept state. */
  readonly continuesById: boolean
  /** Fields of a chat completion that ask the server to keep the states of the prompt on disk. */
  readonly keepOnDisk: Readonly<Record<string, unknown>>
  /** Where it answers, if it runs already and is left as it is. */
  readonly url?: string
  /** How it is started and stopped, if it is this program's own. */
  readonly server?: ManagedServer
}

/** The address of a contender that runs at `url`. */
export function addressOf({ apiKey }: Contender, url: string): Address {
  return { url, apiKey }
}

/** Bytes that a process has caused to be written to disk, by Linux's count; null elsewhere. */
export function bytesWrittenBy(pid: number): number | null {
  try {
    return Number(/^write_bytes: (\d+)$/m.exec(readFileSync(`/proc/${pid}/io`, 'utf8'))?.[1])
  } catch {
    return null
  }
}
