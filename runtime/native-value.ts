/** OrtValues over ordinary memory. */
import type { Library, Pointer } from './library.ts'
import { elementTypes, type Tensor } from './tensor.ts'

/** Returns an OrtValue over the tensor's own memory, which has to outlive it; ReleaseValue gives it back. */
export function createValue(library: Library, memory: Pointer, { data, dims, dtype }: Tensor): Pointer {
  const [address, code] = [library.addressOf(data), elementTypes[dtype]]
  const rank = dims.length
  return library.made('CreateTensorWithDataAsOrtValue', memory, address, data.byteLength, shapeOf(dims), rank, code)
}

/** Returns dimensions as the C API reads them. */
export function shapeOf(dims: readonly number[]): BigInt64Array {
  const shape = new BigInt64Array(new ArrayBuffer(dims.length * 8 + 64), 0, dims.length)
  for (const [axis, dim] of dims.entries()) shape[axis] = BigInt(dim)
  return shape
}
