/** Weights beside a graph, in a file of their own: places are given out first, and filled one after the other. */
import { open, type FileHandle } from 'node:fs/promises'
import type { ElementType, ExternalPlace, GraphBuilder, Value } from './graph.ts'

/** ONNX Runtime maps tensors into memory where they begin at a page. */
const PAGE = 4096
const BYTES: Readonly<Partial<Record<ElementType, number>>> = { float32: 4, int64: 8, int32: 4, uint8: 1, int8: 1 }

/** Writes bytes into a place, `offset` bytes from its beginning. */
export type WriteInto = (place: ExternalPlace, offset: number, bytes: Uint8Array) => Promise<void>
export type Fill = (write: WriteInto) => Promise<void>

export class ExternalWeights {
  readonly #graph: GraphBuilder
  readonly #location: string
  readonly #fills: Fill[] = []
  #size = 0

  /** Tensors of `graph`, in the file `location` beside it. */
  constructor(graph: GraphBuilder, location: string) {
    this.#graph = graph
    this.#location = location
  }

  /** Bytes of all places. */
  get size(): number {
    return this.#size
  }

  /** A tensor and its place, whose bytes are those of `dims`. */
  reserve(name: string, dtype: ElementType, dims: readonly number[]): { value: Value; place: ExternalPlace } {
    const length = dims.reduce((a, b) => a * b, BYTES[dtype]!)
    const place = { location: this.#location, offset: this.#size, length }
    this.#size = Math.ceil((this.#size + length) / PAGE) * PAGE
    return { value: this.#graph.external(name, dtype, dims, place), place }
  }

  /** The same bytes under another name and shape. */
  alias(name: string, dtype: ElementType, dims: readonly number[], place: ExternalPlace): Value {
    return this.#graph.external(name, dtype, dims, place)
  }

  /** What fills one or several places, when its turn comes. */
  fill(fill: Fill): void {
    this.#fills.push(fill)
  }

  /** Writes the file. `progress` gets how many of the fills are done. */
  async write(path: string, progress: (done: number, of: number) => void): Promise<void> {
    const file = await open(path, 'w')
    try {
      await file.truncate(this.#size)
      for (const [done, fill] of this.#fills.entries()) {
        await fill((place, offset, bytes) => writeAt(file, place, offset, bytes))
        progress(done + 1, this.#fills.length)
      }
      await file.sync()
    } finally {
      await file.close()
    }
  }
}

async function writeAt(file: FileHandle, place: ExternalPlace, offset: number, bytes: Uint8Array): Promise<void> {
  if (offset + bytes.length > place.length)
    throw new RangeError(
      `weights: expected at most ${place.length} bytes at ${place.offset}, got ${offset + bytes.length}`,
    )
  for (let done = 0; done < bytes.length;) {
    const { bytesWritten } = await file.write(bytes, done, bytes.length - done, place.offset + offset + done)
    done += bytesWritten
  }
}
