/** What all graphs of a thread share: ONNX Runtime's environment, and one arena of memory for what they compute. */
import { RuntimeError } from './errors.ts'
import type { Library, Pointer } from './library.ts'

export interface Environment {
  readonly environment: Pointer
  /** Where tensors bound to graphs lie: ordinary memory. */
  readonly memory: Pointer
  /** Counts one graph more that uses the arena. */
  enter(): void
  /** Counts one less; after the last one the arena gives its memory back. */
  leave(): void
}

// Errors arrive as exceptions; ONNX Runtime would print them on stderr as well.
const LOG_FATAL_ONLY = 4
const ARENA_ALLOCATOR = 1
const DEFAULT_MEMORY = 0
const NO_LIMIT = 0
const DEFAULT = -1

let shared: Environment | undefined

/** Returns the environment of this thread, made on first use and kept for the life of the process. */
export function sharedEnvironment(library: Library): Environment {
  shared ??= createEnvironment(library)
  return shared
}

// An arena keeps the most that it ever needed. Graphs run one after the other, so one for all of them needs as much as
// the largest, where an arena for each would need the sum.
function createEnvironment(library: Library): Environment {
  const environment = library.made('CreateEnv', LOG_FATAL_ONLY, 'mneme')
  const memory = library.made('CreateCpuMemoryInfo', ARENA_ALLOCATOR, DEFAULT_MEMORY)
  let graphs = 0
  return {
    environment,
    memory,
    enter() {
      if (graphs === 0) registerArena(library, environment, memory)
      graphs++
    },
    leave() {
      graphs--
      if (graphs === 0) unregisterArena(library, environment, memory)
    },
  }
}

function registerArena(library: Library, environment: Pointer, memory: Pointer): void {
  const settings = library.made('CreateArenaCfg', NO_LIMIT, DEFAULT, DEFAULT, DEFAULT)
  try {
    library.CreateAndRegisterAllocator(environment, memory, settings)
  } finally {
    library.ReleaseArenaCfg(settings)
  }
}

// Threads share the registration: a later one replaces an earlier one (whose graphs keep their arena), so the thread that
// comes second here finds nothing left to take back.
function unregisterArena(library: Library, environment: Pointer, memory: Pointer): void {
  try {
    library.UnregisterAllocator(environment, memory)
  } catch (error) {
    if (!(error instanceof RuntimeError)) throw error
  }
}
