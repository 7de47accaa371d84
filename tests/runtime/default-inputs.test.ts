import { expect, test } from 'vitest'
import { splitDefaultInputs } from '../../runtime/default-inputs.ts'
import { FLOAT, INT32, INT64, onnxModel, type ModelTensor } from '../support/onnx-model.ts'
import { addOne } from './models.ts'

function modelWith(initializer: ModelTensor): Uint8Array {
  const { name, type, dims } = initializer
  return onnxModel({
    nodes: [{ op: 'Identity', inputs: [name], outputs: ['y'] }],
    inputs: [{ name, type, shape: dims }],
    outputs: [{ name: 'y', type, shape: dims }],
    initializers: [initializer],
  })
}

test('a model without default inputs is left as it is', () => {
  expect(splitDefaultInputs(addOne)).toEqual({ model: addOne, defaults: {} })
})

test('a default is taken out of the model with its value', () => {
  const bytes = new Uint8Array(Float32Array.of(1.5, -2).buffer)
  const model = modelWith({ name: 'x', type: FLOAT, dims: [2], bytes })
  const { model: plain, defaults } = splitDefaultInputs(model)
  expect(defaults['x']).toMatchObject({ dtype: 'float32', dims: [2], data: Float32Array.of(1.5, -2) })
  expect(plain.length).toBeLessThan(model.length)
  expect(splitDefaultInputs(plain)).toEqual({ model: plain, defaults: {} })
})

test.each([
  ['int64', INT64, 7, [1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01], [1n, -1n]],
  ['int32', INT32, 5, [2, 0x80, 0x01], [2, 128]],
])('a default in the typed field of %s is read', (dtype, type, fieldNumber, packed, values) => {
  const bytes = Uint8Array.from(packed)
  const model = modelWith({ name: 'x', type, dims: [2], bytes, fieldNumber })
  expect([...(splitDefaultInputs(model).defaults['x']?.data ?? [])]).toEqual(values)
  expect(splitDefaultInputs(model).defaults['x']?.dtype).toBe(dtype)
})

test('a file cut short is refused', () => {
  expect(() => splitDefaultInputs(addOne.subarray(0, addOne.length - 3))).toThrow(/^model: expected \d+ bytes of ONNX/)
})
