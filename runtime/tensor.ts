/** Tensors: a dtype, dimensions, and memory that stays where it is for as long as it lives. */

/** The array that holds each dtype. */
interface DataOf {
  float32: Float32Array
  int32: Int32Array
  int64: BigInt64Array
  bool: Uint8Array
  uint8: Uint8Array
  int8: Int8Array
  float16: Uint16Array
}
export type Dtype = keyof DataOf
export type TypedArray = DataOf[Dtype]

/** `data` is row-major. int64 is BigInt64Array, bool is Uint8Array (0 or 1), float16 is its bits in a Uint16Array. */
export interface Tensor<D extends Dtype = Dtype> {
  readonly dtype: D
  readonly dims: readonly number[]
  readonly data: DataOf[D]
}

/** A tensor was described wrongly: its dimensions, its type or its memory do not fit each other. */
export class TensorError extends Error {
  override name = 'TensorError' as const
}

type Constructor<D extends Dtype> = new (buffer: ArrayBufferLike, byteOffset: number, length: number) => DataOf[D]
const arrays: { readonly [D in Dtype]: Constructor<D> & { readonly BYTES_PER_ELEMENT: number } } = {
  float32: Float32Array,
  int32: Int32Array,
  int64: BigInt64Array,
  bool: Uint8Array,
  uint8: Uint8Array,
  int8: Int8Array,
  float16: Uint16Array,
}

/** ONNXTensorElementDataType of each dtype; TensorProto.DataType has the same numbers. */
export const elementTypes: Record<Dtype, number> = {
  float32: 1,
  uint8: 2,
  int8: 3,
  int32: 6,
  int64: 7,
  bool: 9,
  float16: 10,
}

// V8 keeps typed arrays of up to 64 bytes inside its own heap and moves them; an ArrayBuffer of more than that never moves.
const SMALLEST_BUFFER_BYTES = 72

/** Returns whether `name` is one of the dtypes that tensors here can have. */
export function isDtype(name: string): name is Dtype {
  return Object.hasOwn(arrays, name)
}

/** Returns the bytes that one element of `dtype` takes. */
export function bytesPerElement(dtype: Dtype): number {
  return arrays[dtype].BYTES_PER_ELEMENT
}

/** Returns the number of elements of a tensor with these dimensions (1 for a scalar). */
export function elementCount(dims: readonly number[]): number {
  return dims.reduce((product, dim) => product * dim, 1)
}

/**
 * Returns a tensor, zero-filled without `data`. A typed array of the right kind is shared, not copied; plain numbers
 * are converted. Throws TensorError if dimensions, type and length do not fit.
 */
export function createTensor<D extends Dtype>(
  dtype: D,
  dims: readonly number[],
  data?: DataOf[D] | readonly number[] | readonly bigint[],
): Tensor<D> {
  const count = countOf(dtype, dims)
  if (data !== undefined && data.length !== count) {
    throw new TensorError(`${dtype} [${dims.join(', ')}]: expected ${count} elements, got ${data.length}`)
  }
  if (ArrayBuffer.isView(data)) return { dtype, dims: [...dims], data: pinned(dtype, data) }
  const buffer = new ArrayBuffer(Math.max(count * bytesPerElement(dtype), SMALLEST_BUFFER_BYTES))
  const memory = new arrays[dtype](buffer, 0, count)
  if (data !== undefined) fill(memory, data)
  return { dtype, dims: [...dims], data: memory }
}

/** Returns a tensor of other dimensions over the same memory, `offsetElements` further on. */
export function view<D extends Dtype>(tensor: Tensor<D>, dims: readonly number[], offsetElements = 0): Tensor<D> {
  const { dtype, data } = tensor
  const count = countOf(dtype, dims)
  if (offsetElements < 0 || offsetElements + count > data.length) {
    const end = offsetElements + count
    throw new TensorError(
      `view [${dims.join(', ')}]: expected elements of ${data.length}, got ${offsetElements} to ${end}`,
    )
  }
  const byteOffset = data.byteOffset + offsetElements * bytesPerElement(dtype)
  return { dtype, dims: [...dims], data: new arrays[dtype](data.buffer, byteOffset, count) }
}

function countOf(dtype: Dtype, dims: readonly number[]): number {
  const wrong = dims.find((dim) => !Number.isSafeInteger(dim) || dim < 0)
  if (wrong !== undefined)
    throw new TensorError(`${dtype} [${dims.join(', ')}]: expected whole dimensions, got ${wrong}`)
  return elementCount(dims)
}

function fill(memory: TypedArray, values: readonly (number | bigint)[]): void {
  if (memory instanceof BigInt64Array) memory.set(values.map(BigInt))
  else memory.set(values.map(Number))
}

// Asking for `buffer` moves a small array out of V8's heap for good: from then on its memory has one address.
function pinned<D extends Dtype>(dtype: D, data: DataOf[D]): DataOf[D] {
  if (!(data instanceof arrays[dtype])) {
    throw new TensorError(`${dtype}: expected data in a ${arrays[dtype].name}, got ${data.constructor.name}`)
  }
  return new arrays[dtype](data.buffer, data.byteOffset, data.length)
}
