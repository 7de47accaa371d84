/** One process trains in a run's folder at a time. */
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import Database from 'libsql'

/** Thrown when another process trains in the folder. */
export class RunLockedError extends Error {
  override name = 'RunLockedError' as const
}

/** Who holds the lock, for the sentence that refuses others. */
interface Holder {
  readonly pid: number
  readonly host: string
  readonly since: string
}

/**
 * Locks the run and returns what gives it back. The lock is the operating system's, on RUN/lock.db through SQLite: it
 * goes with its process, however that ends, and nobody has to find out whether a holder is still there. The file stays:
 * one that is removed and made again could be locked twice. Throws RunLockedError where another process has it.
 */
export async function lockRun(run: string): Promise<() => Promise<void>> {
  await mkdir(run, { recursive: true })
  const about = join(run, 'lock.json')
  const lock = new Database(join(run, 'lock.db'), { timeout: 0 })
  try {
    lock.exec('BEGIN EXCLUSIVE')
  } catch (error) {
    lock.close()
    if (!(error instanceof Error) || !/locked|busy/i.test(error.message)) throw error
    throw new RunLockedError(`${run}: ${await holderOf(about)}; stop it first, or choose another --out`)
  }
  const holder: Holder = { pid: process.pid, host: hostname(), since: new Date().toISOString() }
  await writeFile(about, `${JSON.stringify(holder)}\n`)
  return async () => {
    await rm(about, { force: true })
    lock.close()
  }
}

async function holderOf(about: string): Promise<string> {
  try {
    const { pid, host, since } = JSON.parse(await readFile(about, 'utf8')) as Holder
    return `process ${pid} on ${host} trains in it since ${since}`
  } catch {
    return 'another process has just begun to train in it' // and has not yet said who it is
  }
}
