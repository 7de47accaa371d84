/** Worker threads of the server: started in one place, because a .ts module needs tsx registered in its thread first. */
import { Worker, type ResourceLimits } from 'node:worker_threads'

/** What both ends of a thread look like to us: a Worker, a parentPort or a MessagePort. */
export interface Port {
  /** `moved` is memory that the other end gets instead of a copy. */
  postMessage(message: unknown, moved?: readonly ArrayBuffer[]): void
  on(event: 'message', listener: (message: unknown) => void): unknown
}

/**
 * A thread running `module` (a .ts or a compiled .js file).
 * `module` gets `workerData.payload`. A .ts module is loaded through a two-line JavaScript file: on Node 20 tsx's
 * `--import` flag does not reach worker threads, while registering inside the thread works everywhere (also in vitest).
 */
export function startThread(module: URL, payload: unknown, resourceLimits: ResourceLimits = {}): Worker {
  const typescript = module.pathname.endsWith('.ts')
  const entry = typescript ? new URL('./typescript-thread.js', import.meta.url) : module
  return new Worker(entry, { workerData: { module: module.href, payload }, resourceLimits })
}

/** `./name` next to `base` with the extension that `base` itself has: .ts in the checkout, .js once compiled. */
export function sibling(name: string, base: string): URL {
  return new URL(`${name}${base.endsWith('.ts') ? '.ts' : '.js'}`, base)
}
