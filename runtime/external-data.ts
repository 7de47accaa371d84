/** The files outside an ONNX file that hold its weights: found by walking the file, without reading the weights in it. */
import { open, type FileHandle } from 'node:fs/promises'
import { RuntimeError } from './errors.ts'

// Field numbers of onnx.proto. Graphs are in nodes' attributes too (Loop, Scan, If), and tensors in constants.
const MODEL = { graph: 7, functions: 25 } as const
const GRAPH = { node: 1, initializer: 5, sparse: 15 } as const
const NODE = { attribute: 5 } as const
const FUNCTION = { node: 7, attribute: 11 } as const
const ATTRIBUTE = { tensor: 5, graph: 6, tensors: 10, graphs: 11, sparse: 22, sparses: 23 } as const
const SPARSE = { values: 1, indices: 2 } as const
const TENSOR = { externalData: 13 } as const
const ENTRY = { key: 1, value: 2 } as const

type Kind = 'model' | 'graph' | 'node' | 'function' | 'attribute' | 'sparse' | 'tensor'

/** What each message holds that may lead to external data, by field number. */
const INSIDE: Record<Kind, Readonly<Record<number, Kind>>> = {
  model: { [MODEL.graph]: 'graph', [MODEL.functions]: 'function' },
  graph: { [GRAPH.node]: 'node', [GRAPH.initializer]: 'tensor', [GRAPH.sparse]: 'sparse' },
  node: { [NODE.attribute]: 'attribute' },
  function: { [FUNCTION.node]: 'node', [FUNCTION.attribute]: 'attribute' },
  attribute: {
    [ATTRIBUTE.tensor]: 'tensor',
    [ATTRIBUTE.tensors]: 'tensor',
    [ATTRIBUTE.graph]: 'graph',
    [ATTRIBUTE.graphs]: 'graph',
    [ATTRIBUTE.sparse]: 'sparse',
    [ATTRIBUTE.sparses]: 'sparse',
  },
  sparse: { [SPARSE.values]: 'tensor', [SPARSE.indices]: 'tensor' },
  tensor: {},
}

const WIRE = { varint: 0, fixed64: 1, bytes: 2, fixed32: 5 } as const
/** Bounds the recursion: graphs within graphs. */
const MAX_DEPTH = 64
const WINDOW = 64 * 1024

/** Locations, as written in the file at `path`, of its external data. Throws RuntimeError if it is not an ONNX file. */
export async function externalDataOf(path: string): Promise<string[]> {
  const file = await open(path, 'r')
  try {
    const found = new Set<string>()
    const { size } = await file.stat()
    await walk(new Reader(file, size, path), 0, size, 'model', 0, found)
    return [...found]
  } finally {
    await file.close()
  }
}

async function walk(
  reader: Reader,
  from: number,
  to: number,
  kind: Kind,
  depth: number,
  found: Set<string>,
): Promise<void> {
  if (depth > MAX_DEPTH) throw reader.wrong(from, `at most ${MAX_DEPTH} levels of graphs`)
  for (let at = from; at < to;) {
    const field = await reader.field(at, to)
    at = field.end
    if (field.wire !== WIRE.bytes) continue
    const inner = INSIDE[kind][field.number]
    if (inner) await walk(reader, field.from, field.end, inner, depth + 1, found)
    else if (kind === 'tensor' && field.number === TENSOR.externalData) {
      const { key, value } = await entry(reader, field)
      if (key === 'location') found.add(value)
    }
  }
}

async function entry(reader: Reader, { from, end }: Field): Promise<{ key: string; value: string }> {
  const texts: Record<number, string> = {}
  for (let at = from; at < end;) {
    const field = await reader.field(at, end)
    at = field.end
    if (field.wire === WIRE.bytes) texts[field.number] = await reader.text(field.from, field.end)
  }
  return { key: texts[ENTRY.key] ?? '', value: texts[ENTRY.value] ?? '' }
}

interface Field {
  readonly number: number
  readonly wire: number
  readonly from: number
  readonly end: number
}

/** Protobuf fields of a file, read through a window. */
class Reader {
  readonly #file: FileHandle
  readonly #size: number
  readonly #path: string
  readonly #window = Buffer.alloc(WINDOW)
  #start = 0
  #filled = 0

  constructor(file: FileHandle, size: number, path: string) {
    this.#file = file
    this.#size = size
    this.#path = path
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
    return { number, wire, from, end }
  }

  async text(from: number, end: number): Promise<string> {
    if (end - from > WINDOW) throw this.wrong(from, `a short text, got ${end - from} bytes`)
    await this.#load(from, end - from)
    return this.#window.toString('utf8', from - this.#start, end - this.#start)
  }

  wrong(at: number, expected: string): RuntimeError {
    return new RuntimeError(`${this.#path}: expected an ONNX file; at byte ${at}, expected ${expected}`)
  }

  async #varint(at: number): Promise<{ value: number; end: number }> {
    await this.#load(at, Math.min(10, this.#size - at))
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
