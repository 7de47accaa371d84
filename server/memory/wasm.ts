/** WebAssembly written as bytes: the instructions that the scans need, and modules of functions on a memory that they are given. */

/** Of WebAssembly, which the types of Node do not declare. */
declare const WebAssembly: {
  readonly Memory: new (limits: { initial: number }) => WasmMemory
  readonly Module: new (bytes: Uint8Array) => object
  readonly Instance: new (
    module: object,
    imports: object,
  ) => { readonly exports: Readonly<Record<string, WasmFunction>> }
}

export interface WasmMemory {
  /** Another one after each `grow`. */
  readonly buffer: ArrayBuffer
  /** Adds pages of 64 KiB. Throws RangeError beyond 4 GiB, or where the machine has no more memory. */
  grow(pages: number): number
}

export type WasmFunction = (...values: readonly number[]) => void

/** A function of integers that returns nothing. Its locals follow the parameters: first `integers`, then `vectors` of 128 bits. */
export interface FunctionBody {
  readonly name: string
  readonly parameters: number
  readonly integers: number
  readonly vectors: number
  readonly code: readonly number[]
}

/** Functions on one memory of so many pages. */
export function instantiate(functions: readonly FunctionBody[], pages: number) {
  const memory = new WebAssembly.Memory({ initial: pages })
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(moduleOf(functions)), { m: { memory } })
  return { memory, exports }
}

const I32 = 0x7f
const V128 = 0x7b
const NOTHING = 0x40

// Instructions of the WebAssembly specification 2.0, section 5.4, with their operands.
export const get = (local: number): number[] => [0x20, local]
export const set = (local: number): number[] => [0x21, local]
export const constant = (value: number): number[] => [0x41, ...signed(value)]
export const block = (...body: number[][]): number[] => [0x02, NOTHING, ...body.flat(), 0x0b]
export const loop = (...body: number[][]): number[] => [0x03, NOTHING, ...body.flat(), 0x0b]
export const branch = (depth: number): number[] => [0x0c, depth]
export const branchIf = (depth: number): number[] => [0x0d, depth]
export const isZero = [0x45]
export const isLess = [0x49] // unsigned
export const add = [0x6a]
export const subtract = [0x6b]
export const addFloat = [0x92]
export const multiplyFloat = [0x94]
export const floatOf = [0xb2]
export const loadFloat = [0x2a, 2, 0]
export const storeFloat = [0x38, 2, 0]
/** 16 bytes. */
export const load = (offset: number): number[] => [0xfd, 0, 4, offset]
export const zero = [0xfd, 12, ...Array<number>(16).fill(0)]
export const addFloats = [0xfd, 0xe4, 1]
export const multiplyFloats = [0xfd, 0xe6, 1]
export const floatLane = (index: number): number[] => [0xfd, 31, index]
export const addIntegers = [0xfd, 0xae, 1]
export const integerLane = (index: number): number[] => [0xfd, 27, index]
/** The first or the last eight of sixteen bytes as integers of 16 bits. */
export const widenFirst = [0xfd, 0x87, 1]
export const widenLast = [0xfd, 0x88, 1]
/** Products of eight integers of 16 bits, in pairs added to four of 32. */
export const dot = [0xfd, 0xba, 1]
/** Adds to a local. */
export const step = (local: number, by: number): number[] => [...get(local), ...constant(by), ...add, ...set(local)]

const HEADER = [0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0]

function moduleOf(functions: readonly FunctionBody[]): Uint8Array {
  const list = (items: readonly (readonly number[])[]): number[] => [...unsigned(items.length), ...items.flat()]
  const types = functions.map(({ parameters }) => [0x60, parameters, ...Array<number>(parameters).fill(I32), 0])
  const bodies = functions.map(({ integers, vectors, code }) => {
    const body = [2, integers, I32, vectors, V128, ...code, 0x0b]
    return [...unsigned(body.length), ...body]
  })
  return Uint8Array.from([
    ...HEADER,
    ...section(1, list(types)),
    ...section(2, [1, ...name('m'), ...name('memory'), 2, 0, 1]),
    ...section(3, list(functions.map((_, type) => [type]))),
    ...section(7, list(functions.map((one, index) => [...name(one.name), 0, index]))),
    ...section(10, list(bodies)),
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
