/**
 * Files of indexes in the data folder: a cache of what the database has. `NAME.faiss` is the index, `NAME.rows` says what is in
 * it: a line of JSON, then the number of the memory of each label. One without the other is none.
 */
import {
  closeSync,
  fsyncSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'

/** What an index was made of: the vectors that one embedder made of a namespace's memories, or of those of one user of it. */
export interface IndexKey {
  readonly scope: number
  /** Null: of everybody. */
  readonly user: string | null
  readonly embedder: string
}

export interface IndexInfo extends IndexKey {
  /** Of the vectors: later changes have higher ones. */
  readonly version: number
  readonly width: number
  /** Share of the ten nearest that it found when it was made, of its own vectors or of any: the smaller one. */
  readonly recall: number
  readonly sha256: string
  readonly bytes: number
}

export interface FoundIndex {
  readonly name: string
  readonly file: string
  readonly info: IndexInfo
  /** Numbers of memories by label. */
  readonly seqs: Float64Array
}

const PREFIX = 'vectors-'
const FILE_MODE = 0o600

export class IndexFiles {
  readonly #folder: string

  constructor(folder: string) {
    this.#folder = folder
  }

  /** The indexes that are whole; what is left of others is deleted. */
  find(): FoundIndex[] {
    const names = readdirSync(this.#folder).filter((name) => name.startsWith(PREFIX))
    const found = names.flatMap((name) => (name.endsWith('.rows') ? (this.#read(name.slice(0, -5)) ?? []) : []))
    const whole = new Set(found.flatMap(({ name }) => [`${name}.rows`, `${name}.faiss`]))
    for (const name of names) if (!whole.has(name)) this.#delete(name)
    return found
  }

  /** An open file for an index that is made; nothing else makes a file of that name. */
  begin(scope: number, version: number): { readonly name: string; readonly file: number } {
    const name = `${PREFIX}${scope}-${version}-${Date.now().toString(36)}`
    return { name, file: openSync(this.#path(`${name}.new`), 'wx', FILE_MODE) }
  }

  /** The index is whole on disk: from now on it is found. */
  finish(name: string, info: IndexInfo, seqs: Float64Array): FoundIndex {
    renameSync(this.#path(`${name}.new`), this.#path(`${name}.faiss`))
    const file = openSync(this.#path(`${name}.rows.new`), 'wx', FILE_MODE)
    writeSync(file, `${JSON.stringify(info)}\n`)
    writeSync(file, seqs)
    fsyncSync(file)
    closeSync(file)
    renameSync(this.#path(`${name}.rows.new`), this.#path(`${name}.rows`))
    return { name, file: this.#path(`${name}.faiss`), info, seqs }
  }

  /** Deletes an index, whole or in the making. */
  remove(name: string): void {
    for (const end of ['.rows', '.faiss', '.new', '.rows.new']) this.#delete(`${name}${end}`)
  }

  #read(name: string): FoundIndex | null {
    try {
      const bytes = readFileSync(this.#path(`${name}.rows`))
      const line = bytes.indexOf('\n')
      const info = JSON.parse(bytes.toString('utf8', 0, line)) as IndexInfo
      const seqs = new Float64Array(Uint8Array.from(bytes.subarray(line + 1)).buffer)
      const file = this.#path(`${name}.faiss`)
      return statSync(file).size === info.bytes ? { name, file, info, seqs } : null
    } catch {
      return null // cut, or half of it is missing: it is made again
    }
  }

  #path(name: string): string {
    return join(this.#folder, name)
  }

  #delete(name: string): void {
    rmSync(this.#path(name), { force: true })
  }
}

/** A key as a text. */
export function textOfKey({ scope, user, embedder }: IndexKey): string {
  return JSON.stringify([scope, user, embedder])
}
