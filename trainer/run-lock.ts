/** One process trains in a run's folder at a time: a file there names it for as long as it lives. */
import { randomUUID } from 'node:crypto'
import { link, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'

/** Thrown when another process trains in the folder. */
export class RunLockedError extends Error {
  override name = 'RunLockedError' as const
}

interface Holder {
  readonly pid: number
  /** When the process started, as the kernel counts; null where that is not known. */
  readonly started: string | null
  readonly host: string
  readonly since: string
}

/**
 * Takes RUN/lock and returns what gives it back. The lock of a process that is gone, killed with -9 or by a crash of the
 * machine, is taken over. Throws RunLockedError where the process is alive, or on another machine, where nobody can tell.
 */
export async function lockRun(run: string): Promise<() => Promise<void>> {
  await mkdir(run, { recursive: true })
  const path = join(run, 'lock')
  const own = await claim(run)
  try {
    while (!(await linked(own, path))) await removeStale(run, path)
  } finally {
    await rm(own)
  }
  return () => rm(path, { force: true })
}

/** Writes who we are under a name of our own: the lock appears with all that it says, or not at all. */
async function claim(run: string): Promise<string> {
  const path = join(run, `.lock-${randomUUID()}`)
  const started = await startOf(process.pid)
  const holder: Holder = { pid: process.pid, started, host: hostname(), since: new Date().toISOString() }
  await writeFile(path, `${JSON.stringify(holder)}\n`)
  return path
}

async function linked(own: string, path: string): Promise<boolean> {
  try {
    await link(own, path)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}

/** Removes the lock of a process that is gone; throws where it is not. */
async function removeStale(run: string, path: string): Promise<void> {
  const text = await readFile(path, 'utf8').catch(() => undefined)
  if (text === undefined) return
  const holder = parse(text)
  if (holder !== undefined && (await isAlive(holder)))
    throw new RunLockedError(
      `${run}: process ${holder.pid} on ${holder.host} trains in it since ${holder.since}; stop it first, or choose another --out` +
        (holder.host === hostname() ? '' : ` (if it is gone, remove ${path})`),
    )
  // Another process may do the same: the one that moves away a lock which is not the one it read puts it back
  const aside = join(run, `.lock-${randomUUID()}`)
  await rename(path, aside).catch(() => undefined)
  const moved = await readFile(aside, 'utf8').catch(() => undefined)
  if (moved !== undefined && moved !== text) await linked(aside, path)
  await rm(aside, { force: true })
}

function parse(text: string): Holder | undefined {
  try {
    return JSON.parse(text) as Holder
  } catch {
    return undefined
  }
}

async function isAlive({ pid, started, host }: Holder): Promise<boolean> {
  if (host !== hostname()) return true
  try {
    process.kill(pid, 0)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false
  }
  // The number may have been given to another process since
  return started === (await startOf(pid))
}

/** The start time in Linux's process table, in ticks since the machine started. */
async function startOf(pid: number): Promise<string | null> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined)
  // The second field is a name in parentheses, which may hold spaces and parentheses itself
  return stat?.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? null
}
