import { expect, test } from 'vitest'
import { createTensor, TensorError, view } from '../../runtime/tensor.ts'

test('a tensor without data is zero', () => {
  const tensor = createTensor('int64', [2, 3])
  expect(tensor).toMatchObject({ dtype: 'int64', dims: [2, 3] })
  expect([...tensor.data]).toEqual([0n, 0n, 0n, 0n, 0n, 0n])
})

test('a scalar has no dimensions and one element', () => {
  expect([...createTensor('float32', [], [1.5]).data]).toEqual([1.5])
})

test('plain numbers are converted, a typed array is shared', () => {
  expect([...createTensor('int64', [2], [1, 2]).data]).toEqual([1n, 2n])
  expect([...createTensor('int32', [1], [7n]).data]).toEqual([7])
  const data = Float32Array.of(1, 2)
  const tensor = createTensor('float32', [2], data)
  data[1] = 5
  tensor.data[0] = 4
  expect([...tensor.data]).toEqual([4, 5])
  expect([...data]).toEqual([4, 5])
})

test('a view shares memory at its place', () => {
  const tensor = createTensor('float32', [2, 2], [1, 2, 3, 4])
  const second = view(tensor, [1, 2], 2)
  second.data[0] = 9
  expect(second.dims).toEqual([1, 2])
  expect([...tensor.data]).toEqual([1, 2, 9, 4])
})

test.each([
  ['too few elements', () => createTensor('float32', [2, 2], [1, 2, 3]), 'float32 [2, 2]: expected 4 elements, got 3'],
  [
    'a negative dimension',
    () => createTensor('float32', [-1, 2]),
    'float32 [-1, 2]: expected whole dimensions, got -1',
  ],
  ['half a dimension', () => createTensor('float32', [1.5]), 'float32 [1.5]: expected whole dimensions, got 1.5'],
  [
    'another array',
    () => createTensor('float32', [2], Int32Array.of(1, 2) as unknown as Float32Array),
    'float32: expected data in a Float32Array, got Int32Array',
  ],
  [
    'a view beyond the end',
    () => view(createTensor('int8', [4]), [3], 2),
    'view [3]: expected elements of 4, got 2 to 5',
  ],
  [
    'a view before the start',
    () => view(createTensor('int8', [4]), [3], -1),
    'view [3]: expected elements of 4, got -1 to 2',
  ],
])('%s is refused', (_, make, message) => {
  expect(make).toThrow(new TensorError(message))
})
