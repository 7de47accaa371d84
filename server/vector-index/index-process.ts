/** A process of indexes, as the store's thread knows it. */
import { fork, type ChildProcess } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { createDeferred, type Deferred } from '../deferred.ts'
import { sibling } from '../thread.ts'
import type { Answer, Question, ToIndexProcess } from './messages.ts'

/** Of its last words, where it ends by itself. */
const LAST_WORDS = 500

export interface IndexProcess {
  readonly pid: number
  /** Rejects where the process says no, or has ended. */
  ask(message: ToIndexProcess): Promise<unknown>
  /** Resolves with how it ended. */
  readonly ended: Promise<string>
  /** Ends it at once. */
  kill(): void
}

/** Starts one. `file`: an open file that an index is made for; null: it holds indexes. */
export function startIndexProcess(file: number | null): IndexProcess {
  const child = start(file)
  const waiting = new Map<number, Deferred<unknown>>()
  const ending = createDeferred<string>()
  let last = 0
  let words = ''
  child.stderr?.on('data', (text: Buffer) => (words = (words + text.toString()).slice(-LAST_WORDS)))
  const end = (how: string): void => {
    ending.resolve(how)
    for (const answer of waiting.values()) answer.reject(new Error(`the process of the index has ended: ${how}`))
    waiting.clear()
  }
  child.on('error', (error) => end(error.message))
  child.on('close', (code, signal) => end(`${signal ?? `exit code ${code}`} ${words.trim()}`.trim()))
  child.on('message', (answer: Answer) => {
    const asked = waiting.get(answer.id)
    waiting.delete(answer.id)
    if ('error' in answer) asked?.reject(new Error(answer.error))
    else asked?.resolve(answer.value)
  })
  return {
    pid: child.pid ?? 0,
    ended: ending.promise,
    ask(message) {
      const id = ++last
      const answer = createDeferred<unknown>()
      waiting.set(id, answer)
      const question: Question = { id, message }
      // What cannot be sent is rejected when the process is seen to have ended.
      child.send(question, () => undefined)
      return answer.promise
    },
    kill: () => void child.kill('SIGKILL'),
  }
}

function start(file: number | null): ChildProcess {
  const module = sibling('./index-worker', import.meta.url)
  const typescript = module.pathname.endsWith('.ts')
  const entry = typescript ? new URL('../typescript-process.js', import.meta.url) : module
  // A search is one thread's work; of an index in the making, half of the processor is left to requests.
  const threads = file === null ? 1 : Math.max(1, Math.floor(availableParallelism() / 2))
  return fork(entry, [module.href], {
    serialization: 'advanced',
    execArgv: ['--expose-gc'],
    stdio: ['ignore', 'ignore', 'pipe', 'ipc', ...(file === null ? [] : [file])],
    env: { ...environment(), OMP_NUM_THREADS: String(threads), OMP_WAIT_POLICY: 'passive', OPENBLAS_NUM_THREADS: '1' },
  })
}

/** Of the server's variables only those that a process needs: keys are none of its business. */
function environment(): NodeJS.ProcessEnv {
  const names = ['PATH', 'HOME', 'TMPDIR', 'LD_LIBRARY_PATH']
  return Object.fromEntries(
    names.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]])),
  )
}
