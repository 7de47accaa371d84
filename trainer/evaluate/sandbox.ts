/** Runs Python that a model wrote: without network, without the user's files, within bounds of time, memory and processes. */
import { execFile, spawn } from 'node:child_process'
import { promisify } from 'node:util'
import { ConfigError } from '../../models/config.ts'

/** What became of a program. */
export type Ran = 'passed' | 'failed' | 'timed out'

export interface Sandbox {
  /** Runs a program; it has passed when it ends with exit code 0. */
  run(program: string): Promise<Ran>
}

export interface Bounds {
  /** Seconds of the processor, and of the clock twice that. */
  readonly seconds: number
  readonly bytes: number
}

const BOUNDS: Bounds = { seconds: 5, bytes: 1024 ** 3 }
/** Files that a program writes, in bytes. */
const FILE_BYTES = 16 * 1024 ** 2
const PROCESSES = 64
/** The user and the group without rights of their own on Linux. */
const NOBODY = 65_534

/**
 * A sandbox of bubblewrap: namespaces of its own for processes, network, users and mounts; a read-only system, an empty
 * /tmp. Throws ConfigError where bubblewrap or Python are missing or cannot be used.
 */
export async function openSandbox({ seconds, bytes }: Bounds = BOUNDS): Promise<Sandbox> {
  const limits = [`--cpu=${seconds}:${seconds + 1}`, `--as=${bytes}`, `--fsize=${FILE_BYTES}`, `--nproc=${PROCESSES}`]
  for (const { executable, prefix } of await findPythons()) {
    const args = [...walls(prefix), '--', 'prlimit', ...limits, '--core=0', '--', executable, '-I', '-']
    const sandbox: Sandbox = { run: (program) => runWithin('bwrap', args, program, seconds * 2000) }
    if ((await sandbox.run('print(1)')) === 'passed') return sandbox
  }
  throw new ConfigError(
    'humaneval: expected bubblewrap to start python3 in a sandbox of its own, but it cannot; ' +
      'programs of a model are not run without one. Install both (apt-get install bubblewrap python3) and allow user namespaces.',
  )
}

/** The system's programs and libraries, and Python where it is elsewhere; nothing else of the disk. */
function walls(prefix: string): string[] {
  const shown = ['/usr', '/lib', '/lib64', '/bin', prefix]
  const places = '--proc /proc --dev /dev --tmpfs /tmp --chdir /tmp'
  const alone = '--unshare-all --die-with-parent --new-session --clearenv --setenv PATH /usr/bin:/bin'
  return [...shown.flatMap((folder) => ['--ro-bind-try', folder, folder]), ...`${places} ${alone}`.split(' ')]
}

interface Python {
  readonly executable: string
  readonly prefix: string
}

/** The Pythons that there are: the system's, and the user's where it is another. */
async function findPythons(): Promise<Python[]> {
  const script = 'import sys, os; print(os.path.realpath(sys.executable)); print(sys.base_prefix)'
  const found: Python[] = []
  for (const name of ['/usr/bin/python3', 'python3']) {
    const printed = await promisify(execFile)(name, ['-c', script]).catch(() => null)
    const [executable, prefix] = printed?.stdout.trim().split('\n') ?? []
    if (executable !== undefined && prefix !== undefined) found.push({ executable, prefix })
  }
  return found
}

function runWithin(command: string, args: readonly string[], input: string, milliseconds: number): Promise<Ran> {
  return new Promise((resolve) => {
    const child = spawn(command, args, { stdio: ['pipe', 'ignore', 'ignore'], ...nobody() })
    let isLate = false
    const timer = setTimeout(() => {
      isLate = true
      child.kill('SIGKILL')
    }, milliseconds)
    const end = (ran: Ran): void => {
      clearTimeout(timer)
      resolve(ran)
    }
    child.once('error', () => end('failed'))
    child.once('close', (code, signal) =>
      end(isLate || signal === 'SIGXCPU' || code === 152 ? 'timed out' : code === 0 ? 'passed' : 'failed'),
    )
    // A program that ends early does not read all of it.
    child.stdin.on('error', () => undefined)
    child.stdin.end(input)
  })
}

/** Root is not bound by the number of processes: its programs are run as nobody. */
function nobody(): { readonly uid?: number; readonly gid?: number } {
  return process.getuid?.() === 0 ? { uid: NOBODY, gid: NOBODY } : {}
}
