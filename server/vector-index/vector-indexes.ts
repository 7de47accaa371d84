/**
 * The indexes of large namespaces, in a process that may end at any time: they are made, loaded, searched, and made anew. All that is
 * lost with one is time: searches that get no answer of it scan the vectors.
 */
import { closeSync } from 'node:fs'
import type { VectorTables } from '../store/vector-tables.ts'
import type { VectorPages } from '../memory/vector-pages.ts'
import { LEAST_RECALL } from './building.ts'
import { IndexFiles, textOfKey, type FoundIndex, type IndexKey } from './index-files.ts'
import { startIndexProcess, type IndexProcess } from './index-process.ts'
import { LiveIndex } from './live-index.ts'
import { makeIndex } from './make-index.ts'
import type { Labels } from './messages.ts'
import { NextBuild } from './next-build.ts'
import type { Near, StoreNote, VectorIndexOptions, VectorIndexStatistics } from './index-types.ts'

/** A search does not wait longer for an index. */
const SEARCH_MS = 1000
/** A process that has ended is started again after so long, and after twice as long each further time. */
const RESTART_MS = 1000
const MOST_RESTART_MS = 60_000

export class VectorIndexes {
  readonly #tables: VectorTables
  readonly #memory: VectorPages
  readonly #files: IndexFiles
  readonly #options: VectorIndexOptions
  readonly #note: (note: StoreNote) => void
  /** Those that searches use, by key. */
  readonly #live = new Map<string, LiveIndex>()
  /** These and those that are being loaded. */
  readonly #all = new Set<LiveIndex>()
  readonly #next: NextBuild
  #server: IndexProcess | null = null
  #making: { readonly key: IndexKey; readonly name: string; readonly process: IndexProcess } | null = null
  #numbers = 0
  #failures = 0
  #fallbacks = 0
  #restarts = 0
  #closed = false

  constructor(
    tables: VectorTables,
    memory: VectorPages,
    folder: string,
    options: VectorIndexOptions,
    note: (note: StoreNote) => void,
  ) {
    this.#tables = tables
    this.#memory = memory
    this.#files = new IndexFiles(folder)
    this.#options = options
    this.#note = note
    this.#next = new NextBuild(options.pauseMs, (key) => this.#make(key))
  }

  get threshold(): number {
    return this.#options.threshold
  }

  /** Loads what is in the data folder, and deletes what is not up to date. */
  open(): void {
    for (const found of this.#files.find()) void this.#load(found)
  }

  /** The index that knows the vectors of a key: their own, or that of the whole namespace. */
  find(key: IndexKey): LiveIndex | null {
    const index = this.#of(key)
    return index?.loaded ? index : null
  }

  /** What the index of a key has found; null where it did not answer. Null at once where there is none. */
  search(key: IndexKey, vector: Float32Array): Promise<Near | null> | null {
    const index = this.#of(key)
    if (!index || vector.length !== index.found.info.width) return null
    if (!index.loaded || !this.#server) {
      this.#fallbacks++
      return null
    }
    const most = index.mostFor(key)
    const asked = this.#server.ask({ kind: 'search', index: index.number, vector, most })
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<null>((resolve) => (timer = setTimeout(() => resolve(null), SEARCH_MS)))
    return Promise.race([asked.then((labels) => ({ index, labels: labels as Labels })), late])
      .catch(() => null)
      .then((near) => {
        clearTimeout(timer)
        if (!near) this.#fallbacks++
        return near
      })
  }

  /** A key has so many vectors, and no index, or one that is old. */
  want(key: IndexKey, size: number): void {
    const text = textOfKey(key)
    const isLoading = [...this.#all].some((one) => !one.loaded && one.onDisk && textOfKey(one.key) === text)
    if (size >= this.#options.threshold && !isLoading && !this.#closed) this.#next.want(key, size)
  }

  /** The vector of a memory may be another one. */
  changed(scope: number, seq: number): void {
    for (const index of this.#all) if (index.key.scope === scope) index.changed(seq)
  }

  /** A memory is deleted: its vector is in no file when this returns. The index in memory goes on without it, until it is made anew. */
  removed(scope: number, seq: number): void {
    for (const index of this.#all) {
      if (index.key.scope !== scope) continue
      index.removed(seq)
      if (index.onDisk) this.#forget(index)
    }
    if (this.#making?.key.scope !== scope) return
    const { key, name, process } = this.#making
    this.#making = null
    process.kill()
    this.#files.remove(name)
    this.#next.later(key)
  }

  statistics(): VectorIndexStatistics {
    const all = [...this.#live.values()].filter(({ loaded }) => loaded)
    return {
      kind: 'faiss',
      reason: null,
      threshold: this.#options.threshold,
      indexes: all.length,
      vectors: all.reduce((sum, { found }) => sum + found.seqs.length, 0),
      building: this.#making !== null,
      failures: this.#failures,
      fallbacks: this.#fallbacks,
      pid: this.#server?.pid ?? null,
    }
  }

  close(): void {
    this.#closed = true
    this.#next.close()
    const making = this.#making
    this.#making = null
    if (making) this.#files.remove(making.name)
    making?.process.kill()
    this.#server?.kill()
  }

  #warn(text: string): void {
    this.#note({ level: 'warn', text })
  }

  #of(key: IndexKey): LiveIndex | undefined {
    return this.#live.get(textOfKey(key)) ?? this.#live.get(textOfKey({ ...key, user: null }))
  }

  #forget(index: LiveIndex): void {
    this.#files.remove(index.found.name)
    index.onDisk = false
    this.#next.later(index.key)
  }

  async #make(key: IndexKey): Promise<void> {
    const began = performance.now()
    const version = this.#tables.version()
    const { name, file } = this.#files.begin(key.scope, version)
    const process = startIndexProcess(file)
    const making = { key, name, process }
    this.#making = making
    try {
      const made = await makeIndex(process, this.#tables, key, version, LEAST_RECALL)
      // Stopped meanwhile: a memory was deleted.
      if (this.#making !== making) return
      this.#making = null
      const seconds = ((performance.now() - began) / 1000).toFixed(1)
      if (!('info' in made)) {
        this.#files.remove(name)
        this.#next.refuse(key)
        const [found, least] = [percent(made.recall), percent(LEAST_RECALL)]
        this.#warn(
          `an index finds ${found} of the nearest of a namespace's vectors, less than ${least}: they are scanned`,
        )
        return
      }
      const { info, seqs, checked } = made
      const found = this.#files.finish(name, info, seqs)
      const { recall, elsewhere, searchWidth } = checked
      const shares = `${percent(recall)} of the ten nearest of its vectors, ${percent(elsewhere)} of any`
      const what = `${seqs.length} vectors in ${seconds} s; it finds ${shares}, searched ${searchWidth} wide`
      this.#note({ level: 'info', text: `made a vector index of ${what}` })
      await this.#load(found)
    } catch (error) {
      if (this.#making !== making) return
      this.#making = null
      this.#failures++
      this.#files.remove(name)
      this.#warn(`a vector index could not be made, and is tried again later: ${(error as Error).message}`)
      this.#next.failed(key)
    } finally {
      process.kill()
      closeSync(file)
    }
  }

  async #load(found: FoundIndex): Promise<void> {
    const { name, info } = found
    // A database from a backup is older than its index.
    if (info.version > this.#tables.version()) return this.#files.remove(name)
    const index = new LiveIndex(++this.#numbers, found, this.#tables, this.#memory)
    const key = textOfKey(info)
    this.#all.add(index)
    // What was deleted without us is not to stay in a file.
    const isThere = index.gone === 0 && (await this.#send(index))
    if (this.#closed) return
    if (isThere) {
      const before = this.#live.get(key)
      this.#live.set(key, index)
      if (before) this.#drop(before)
    } else this.#drop(index)
  }

  /** Whether the process has it now. */
  async #send(index: LiveIndex): Promise<boolean> {
    const { file, info } = index.found
    try {
      await this.#serve().ask({ kind: 'load', index: index.number, file, sha256: info.sha256 })
      this.#restarts = 0
      index.loaded = true
      return true
    } catch (error) {
      if (!this.#closed) this.#warn(`a vector index cannot be used, and is made again: ${(error as Error).message}`)
      return false
    }
  }

  #drop(index: LiveIndex): void {
    this.#all.delete(index)
    this.#files.remove(index.found.name)
    index.clear()
    void this.#server?.ask({ kind: 'drop', index: index.number }).catch(() => undefined)
  }

  #serve(): IndexProcess {
    if (this.#server) return this.#server
    const server = startIndexProcess(null)
    this.#server = server
    void server.ended.then((how) => {
      if (this.#server !== server || this.#closed) return
      this.#server = null
      this.#failures++
      for (const index of this.#all) index.loaded = false
      const wait = Math.min(MOST_RESTART_MS, RESTART_MS * 2 ** this.#restarts++)
      this.#warn(
        `the process of the vector indexes has ended (${how}): vectors are scanned, and it starts again in ${wait} ms`,
      )
      setTimeout(() => this.#restart(), wait).unref()
    })
    return server
  }

  /** What has a file is loaded again; the rest is made anew. */
  #restart(): void {
    if (this.#closed) return
    for (const [key, index] of this.#live) {
      if (index.loaded) continue
      void (index.onDisk ? this.#send(index) : Promise.resolve(false)).then((isThere) => {
        if (isThere || this.#closed || this.#live.get(key) !== index) return
        this.#live.delete(key)
        this.#drop(index)
      })
    }
  }
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`
}
