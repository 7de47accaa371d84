/**
 * The inner products of one vector with many rows, as WebAssembly, because what V8 makes of the same loops in JavaScript takes
 * five times as long: of rows of float32, four numbers at a time, and of rows of bytes that stand for them, eight at a time.
 */
import {
  add,
  addFloat,
  addFloats,
  addIntegers,
  block,
  branch,
  branchIf,
  constant,
  dot,
  floatLane,
  floatOf,
  get,
  instantiate,
  integerLane,
  isLess,
  isZero,
  load,
  loadFloat,
  loop,
  multiplyFloat,
  multiplyFloats,
  set,
  step,
  storeFloat,
  subtract,
  widenFirst,
  widenLast,
  zero,
  type FunctionBody,
  type WasmMemory,
} from './wasm.ts'

/**
 * Writes the inner products of the vector at `query` and of `count` rows from `rows` on to `out`, as float32. A row has `bytes`
 * bytes; all arguments are byte offsets into the memory.
 */
export type Scan = (query: number, rows: number, count: number, bytes: number, out: number) => void

/** Bytes of a row of float32 are a multiple of this: 16 numbers are read at once. */
export const VECTOR_ALIGNMENT = 64
/** Bytes of a row of codes, without its scale, are a multiple of this. */
export const CODES_ALIGNMENT = 32
/** A row of codes ends with its scale, a float32 that each product is multiplied with, and as much more as keeps it aligned. */
export const SCALE_BYTES = 16

/** `scanCodes`: the vector at `query` is integers of 16 bits, rows are signed bytes; `bytes` is without the scale. */
export function createScan(pages: number): {
  readonly memory: WasmMemory
  readonly scan: Scan
  readonly scanCodes: Scan
} {
  const { memory, exports } = instantiate([scanFunction(), scanCodesFunction()], pages)
  return { memory, scan: exports['scan']!, scanCodes: exports['scanCodes']! }
}

/** Parameters, then locals. */
const [QUERY, ROWS, COUNT, BYTES, OUT, AT, END] = [0, 1, 2, 3, 4, 5, 6] as const
/** Four sums, so that an addition need not wait for the one before it. */
const SUMS = [7, 8, 9, 10] as const

/** A function that sets SUMS to zero for each row, adds `columns` to them until the row ends, and does `store`. */
function rowByRow(name: string, columns: number[], store: number[]): FunctionBody {
  const code = block(
    loop(
      [...get(COUNT), ...isZero],
      branchIf(1),
      SUMS.flatMap((sum) => [...zero, ...set(sum)]),
      [...get(QUERY), ...set(AT)],
      [...get(ROWS), ...get(BYTES), ...add, ...set(END)],
      loop(columns, [...get(ROWS), ...get(END), ...isLess], branchIf(0)),
      store,
      step(OUT, 4),
      [...get(COUNT), ...constant(1), ...subtract, ...set(COUNT)],
      branch(0),
    ),
  )
  return { name, parameters: 5, integers: 2, vectors: SUMS.length, code }
}

/** All lanes of SUMS added up. */
function total(
  addVectors: readonly number[],
  lane: (index: number) => number[],
  addLanes: readonly number[],
): number[] {
  const [a, b, c, d] = SUMS
  const together = [get(a), get(b), addVectors, get(c), get(d), addVectors, addVectors, set(a)].flat()
  return [...together, ...[0, 1, 2, 3].flatMap((i) => [...get(a), ...lane(i), ...(i === 0 ? [] : addLanes)])]
}

function scanFunction(): FunctionBody {
  const accumulate = SUMS.flatMap((sum, i) =>
    [get(sum), get(AT), load(16 * i), get(ROWS), load(16 * i), multiplyFloats, addFloats, set(sum)].flat(),
  )
  const columns = [...accumulate, ...step(AT, VECTOR_ALIGNMENT), ...step(ROWS, VECTOR_ALIGNMENT)]
  return rowByRow('scan', columns, [...get(OUT), ...total(addFloats, floatLane, addFloat), ...storeFloat])
}

function scanCodesFunction(): FunctionBody {
  const accumulate = SUMS.flatMap((sum, i) => {
    const widen = i % 2 === 0 ? widenFirst : widenLast
    const codes = [...get(ROWS), ...load(i < 2 ? 0 : 16), ...widen]
    return [get(sum), get(AT), load(16 * i), codes, dot, addIntegers, set(sum)].flat()
  })
  const columns = [...accumulate, ...step(AT, 2 * CODES_ALIGNMENT), ...step(ROWS, CODES_ALIGNMENT)]
  const scaled = [...total(addIntegers, integerLane, add), ...floatOf, ...get(ROWS), ...loadFloat, ...multiplyFloat]
  return rowByRow('scanCodes', columns, [...get(OUT), ...scaled, ...storeFloat, ...step(ROWS, SCALE_BYTES)])
}
