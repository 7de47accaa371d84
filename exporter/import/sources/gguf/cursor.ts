/** Reads the values of a GGUF header one after another; lengths are checked before anything is allocated. */
import { SourceError } from '../contract.ts'
import type { FileBytes } from '../file-bytes.ts'

export type MetadataScalar = number | boolean | string
export type MetadataValue = MetadataScalar | readonly MetadataScalar[]

/** Beyond any published file: the tokens and merges of a large vocabulary take about 10 MB. */
const MAX_HEADER_BYTES = 512 * 1024 * 1024
const MAX_STRING_BYTES = 64 * 1024 * 1024
const MAX_ARRAY_LENGTH = 8 * 1024 * 1024
const WINDOW_BYTES = 1024 * 1024

const STRING = 8
const ARRAY = 9
/** Bytes of each other type of value, and how it is read. */
const scalars: Readonly<Record<number, readonly [number, (view: DataView, at: number) => number | boolean]>> = {
  0: [1, (view, at) => view.getUint8(at)],
  1: [1, (view, at) => view.getInt8(at)],
  2: [2, (view, at) => view.getUint16(at, true)],
  3: [2, (view, at) => view.getInt16(at, true)],
  4: [4, (view, at) => view.getUint32(at, true)],
  5: [4, (view, at) => view.getInt32(at, true)],
  6: [4, (view, at) => view.getFloat32(at, true)],
  7: [1, (view, at) => view.getUint8(at) !== 0],
  10: [8, (view, at) => Number(view.getBigUint64(at, true))],
  11: [8, (view, at) => Number(view.getBigInt64(at, true))],
  12: [8, (view, at) => view.getFloat64(at, true)],
}

export class GgufCursor {
  /** The next byte to read. */
  at = 0
  readonly #file: FileBytes
  #window = new DataView(new ArrayBuffer(0))
  #start = 0

  constructor(file: FileBytes) {
    this.#file = file
  }

  async magic(): Promise<string> {
    return this.#text(4)
  }

  async u32(): Promise<number> {
    const at = await this.#take(4)
    return this.#window.getUint32(at, true)
  }

  /** Throws SourceError for a number that is no size. */
  async u64(): Promise<number> {
    const at = await this.#take(8)
    const value = Number(this.#window.getBigUint64(at, true))
    if (!Number.isSafeInteger(value))
      throw new SourceError(`${this.#file.path}: at byte ${this.at - 8}: expected a size, got ${value}`)
    return value
  }

  /** Reads how many things follow that take at least `least` bytes each. Throws SourceError where they cannot all be there. */
  async count(what: string, least: number): Promise<number> {
    const count = await this.u64()
    const rest = this.#file.size - this.at
    if (count > MAX_ARRAY_LENGTH || count * least > rest)
      throw new SourceError(`${this.#file.path}: expected ${what} that fit into ${rest} bytes, got ${count} of them`)
    return count
  }

  async string(what: string): Promise<string> {
    const length = await this.u64()
    if (length > MAX_STRING_BYTES || length > this.#file.size - this.at)
      throw new SourceError(
        `${this.#file.path}: at byte ${this.at}: expected ${what}, got a text of ${length} bytes, the file has ${this.#file.size}`,
      )
    return this.#text(length)
  }

  /** Reads a value with its type; `key` names it in errors. */
  async value(key: string): Promise<MetadataValue> {
    const type = await this.u32()
    return type === ARRAY ? this.#array(key) : this.#scalar(type, key)
  }

  async #array(key: string): Promise<MetadataScalar[]> {
    const type = await this.u32()
    if (type === ARRAY)
      throw new SourceError(`${this.#file.path}: ${key}: expected an array of values, got one of arrays`)
    const count = await this.count(`values of ${key}`, scalars[type]?.[0] ?? 8)
    const values: MetadataScalar[] = []
    for (let i = 0; i < count; i++) values.push(await this.#scalar(type, key))
    return values
  }

  async #scalar(type: number, key: string): Promise<MetadataScalar> {
    if (type === STRING) return this.string(key)
    const known = scalars[type]
    if (!known) throw new SourceError(`${this.#file.path}: ${key}: expected a type of value up to 12, got ${type}`)
    const at = await this.#take(known[0])
    return known[1](this.#window, at)
  }

  async #text(length: number): Promise<string> {
    const at = await this.#take(length)
    return new TextDecoder('utf-8', { ignoreBOM: true }).decode(
      new Uint8Array(this.#window.buffer, this.#window.byteOffset + at, length),
    )
  }

  /** Moves on by `length` bytes, and returns where in the window they begin. */
  async #take(length: number): Promise<number> {
    if (this.at + length > this.#start + this.#window.byteLength) await this.#load(length)
    const at = this.at - this.#start
    this.at += length
    return at
  }

  async #load(length: number): Promise<void> {
    if (this.at + length > MAX_HEADER_BYTES)
      throw new SourceError(`${this.#file.path}: expected a header of at most ${MAX_HEADER_BYTES} bytes`)
    const rest = this.#file.size - this.at
    const bytes = await this.#file.read(this.at, Math.max(length, Math.min(rest, WINDOW_BYTES)))
    this.#window = new DataView(bytes.buffer)
    this.#start = this.at
  }
}
