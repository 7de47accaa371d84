/** Tensors that stay where graphs run. What is bound from ordinary memory is copied to a device at every run. */
import { createTensor, type Dtype, type Tensor, type TypedArray } from './tensor.ts'

/** A tensor in the memory of a device, which graphs there read and write in place. */
export interface DeviceTensor {
  readonly dtype: Dtype
  readonly dims: readonly number[]
  /** Returns a copy in ordinary memory. */
  read(): Tensor
  /** Overwrites all values. Throws TensorError if `data` is of another type or length. */
  write(data: TypedArray): void
}

/** Memory of one device. `close` gives back all that was allocated; graphs that have it bound must not run after that. */
export interface DeviceMemory {
  /** Returns a tensor of zeros. */
  allocate(dtype: Dtype, dims: readonly number[]): DeviceTensor
  close(): void
}

/** Memory of the CPU: its tensors are ordinary ones. */
export const hostMemory: DeviceMemory = {
  allocate: (dtype, dims) => hostTensor(createTensor(dtype, dims)),
  close() {},
}

function hostTensor(tensor: Tensor): Tensor & DeviceTensor {
  const { dtype, dims, data } = tensor
  return {
    ...tensor,
    read: () => createTensor(dtype, dims, data.slice() as never),
    write(values) {
      const checked = createTensor(dtype, dims, values as never)
      data.set(checked.data as never)
    },
  }
}
