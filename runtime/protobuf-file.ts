/** Protobuf messages in a file of any size, read field by field through a window (https://protobuf.dev/programming-guides/encoding/). */
import type { FileHandle } from 'node:fs/promises'
import { RuntimeError } from './errors.ts'

export const WIRE = { varint: 0, fixed64: 1, bytes: 2, fixed32: 5 } as const

/** One field: its tag begins at `start`; what it holds is `from` to before `end`. */
export interface Field {
  readonly number: number
  readonly wire: number
  readonly start: number
  readonly from: number
  readonly end: number
}

const WINDOW = 64 * 1024

export class ProtobufFile {
  readonly size: number
  readonly #file: FileHandle
  readonly #path: string
  readonly #window = Buffer.alloc(WINDOW)
  #start = 0
  #filled = 0

  /** `path` begins the sentence of each RuntimeError. */
  constructor(file: FileHandle, size: number, path: string) {
    this.#file = file
    this.size = size
    this.#path = path
  }

  /** Fields from `from` to before `to`, in their order. Throws RuntimeError for one that ends beyond `to`. */
  async *fields(from: number, to: number): AsyncGenerator<Field> {
    for (let at = from; at < to;) {
      const field = await this.field(at, to)
      yield field
      at = field.end
    }
  }

  async field(at: number, limit: number): Promise<Field> {
    const tag = await this.#varint(at)
    const [number, wire] = [Math.floor(tag.value / 8), tag.value % 8]
    let [from, end] = [tag.end, tag.end]
    if (wire === WIRE.bytes) {
      const length = await this.#varint(from)
      from = length.end
      end = from + length.value
    } else if (wire === WIRE.varint) end = (await this.#varint(from)).end
    else if (wire === WIRE.fixed64) end += 8
    else if (wire === WIRE.fixed32) end += 4
    else throw this.wrong(at, `a protobuf field, got wire type ${wire}`)
    if (end > limit) throw this.wrong(at, `a field that ends by byte ${limit}, got one that ends at ${end}`)
    return { number, wire, start: at, from, end }
  }

  /** The number of a varint field. */
  async number({ from }: Field): Promise<number> {
    return (await this.#varint(from)).value
  }

  /** The numbers of a repeated varint field, packed or single. */
  async numbers(field: Field): Promise<number[]> {
    if (field.wire === WIRE.varint) return [await this.number(field)]
    const found: number[] = []
    for (let at = field.from; at < field.end;) {
      const { value, end } = await this.#varint(at)
      found.push(value)
      at = end
    }
    return found
  }

  async text({ from, end }: Pick<Field, 'from' | 'end'>): Promise<string> {
    if (end - from > WINDOW) throw this.wrong(from, `a short text, got ${end - from} bytes`)
    await this.#load(from, end - from)
    return this.#window.toString('utf8', from - this.#start, end - this.#start)
  }

  wrong(at: number, expected: string): RuntimeError {
    return new RuntimeError(`${this.#path}: expected an ONNX file; at byte ${at}, expected ${expected}`)
  }

  async #varint(at: number): Promise<{ value: number; end: number }> {
    await this.#load(at, Math.min(10, this.size - at))
    let [value, scale] = [0, 1]
    for (let i = at; i < this.#start + this.#filled && i < at + 10; i++) {
      const byte = this.#window[i - this.#start] as number
      value += (byte & 127) * scale // loses precision beyond 2 ** 53, where no length of a file is
      scale *= 128
      if (byte < 128) return { value, end: i + 1 }
    }
    throw this.wrong(at, 'a whole number, got the end of the file')
  }

  /** Makes `length` bytes from `at` on available. */
  async #load(at: number, length: number): Promise<void> {
    if (at >= this.#start && at + length <= this.#start + this.#filled) return
    const { bytesRead } = await this.#file.read(this.#window, 0, WINDOW, at)
    this.#start = at
    this.#filled = bytesRead
    if (bytesRead < length) throw this.wrong(at, `${length} bytes more`)
  }
}
