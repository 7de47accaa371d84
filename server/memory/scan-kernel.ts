/**
 * The inner products of one vector with many rows, four numbers at a time: a WebAssembly function, because what V8 makes of
 * the same loop in JavaScript takes five times as long.
 */

/** Of WebAssembly, which the types of Node do not declare. */
declare const WebAssembly: {
  readonly Memory: new (limits: { initial: number }) => ScanMemory
  readonly Module: new (bytes: Uint8Array) => object
  readonly Instance: new (module: object, imports: object) => { readonly exports: { readonly scan: Scan } }
}

export interface ScanMemory {
  /** Another one after each `grow`. */
  readonly buffer: ArrayBuffer
  /** Adds pages of 64 KiB. Throws RangeError beyond 4 GiB, or where the machine has no more memory. */
  grow(pages: number): number
}

/**
 * Writes the inner products of the vector at `query` and of `count` rows from `rows` on to `out`, as float32. A vector has
 * `bytes` bytes, a multiple of VECTOR_ALIGNMENT; all arguments are byte offsets into the memory.
 */
export type Scan = (query: number, rows: number, count: number, bytes: number, out: number) => void

/** The kernel reads 16 numbers at once. */
export const VECTOR_ALIGNMENT = 64

export function createScan(): { readonly memory: ScanMemory; readonly scan: Scan } {
  const memory = new WebAssembly.Memory({ initial: 1 })
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(moduleBytes()), { m: { memory } })
  return { memory, scan: exports.scan }
}

// Instructions of the WebAssembly specification 2.0, section 5.4, with their operands.
const I32 = 0x7f
const V128 = 0x7b
const NOTHING = 0x40
const get = (local: number): number[] => [0x20, local]
const set = (local: number): number[] => [0x21, local]
const constant = (value: number): number[] => [0x41, ...signed(value)]
const block = (...body: number[][]): number[] => [0x02, NOTHING, ...body.flat(), 0x0b]
const loop = (...body: number[][]): number[] => [0x03, NOTHING, ...body.flat(), 0x0b]
const branch = (depth: number): number[] => [0x0c, depth]
const branchIf = (depth: number): number[] => [0x0d, depth]
const isZero = [0x45]
const isLess = [0x49] // unsigned
const add = [0x6a]
const subtract = [0x6b]
const addFloat = [0x92]
const storeFloat = [0x38, 2, 0]
const loadFour = (offset: number): number[] => [0xfd, 0, 4, offset]
const zeroFour = [0xfd, 12, ...Array<number>(16).fill(0)]
const addFour = [0xfd, 0xe4, 1]
const multiplyFour = [0xfd, 0xe6, 1]
const lane = (index: number): number[] => [0xfd, 31, index]

const HEADER = [0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0]

function moduleBytes(): Uint8Array {
  // Parameters, then locals.
  const [query, rows, count, bytes, out, at, end] = [0, 1, 2, 3, 4, 5, 6] as const
  // Four sums, so that an addition need not wait for the one before it.
  const sums = [7, 8, 9, 10] as const
  const step = (local: number, by: number): number[] => [...get(local), ...constant(by), ...add, ...set(local)]
  const accumulate = sums.flatMap((sum, i) =>
    [get(sum), get(at), loadFour(16 * i), get(rows), loadFour(16 * i), multiplyFour, addFour, set(sum)].flat(),
  )
  const columns = loop(
    accumulate,
    step(at, VECTOR_ALIGNMENT),
    step(rows, VECTOR_ALIGNMENT),
    [...get(rows), ...get(end), ...isLess],
    branchIf(0),
  )
  const [a, b, c, d] = sums
  const together = [get(a), get(b), addFour, get(c), get(d), addFour, addFour, set(a)].flat()
  const lanes = [0, 1, 2, 3].flatMap((i) => [...get(a), ...lane(i), ...(i === 0 ? [] : addFloat)])
  const body = block(
    loop(
      [...get(count), ...isZero],
      branchIf(1),
      sums.flatMap((sum) => [...zeroFour, ...set(sum)]),
      [...get(query), ...set(at)],
      [...get(rows), ...get(bytes), ...add, ...set(end)],
      columns,
      together,
      [...get(out), ...lanes, ...storeFloat],
      step(out, 4),
      [...get(count), ...constant(1), ...subtract, ...set(count)],
      branch(0),
    ),
  )
  const code = [2, 2, I32, sums.length, V128, ...body, 0x0b]
  return Uint8Array.from([
    ...HEADER,
    ...section(1, [1, 0x60, 5, I32, I32, I32, I32, I32, 0]),
    ...section(2, [1, ...name('m'), ...name('memory'), 2, 0, 1]),
    ...section(3, [1, 0]),
    ...section(7, [1, ...name('scan'), 0, 0]),
    ...section(10, [1, ...unsigned(code.length), ...code]),
  ])
}

function section(id: number, content: readonly number[]): number[] {
  return [id, ...unsigned(content.length), ...content]
}

function name(text: string): number[] {
  return [text.length, ...Buffer.from(text)]
}

/** LEB128. */
function unsigned(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...unsigned(value >>> 7)]
}

/** LEB128 of a number that is not negative: its last byte has no sign bit. */
function signed(value: number): number[] {
  return value < 0x40 ? [value] : [(value & 0x7f) | 0x80, ...signed(value >>> 7)]
}
