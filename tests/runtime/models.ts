/** Small models for the tests of this folder. */
import { BOOL, FLOAT, FLOAT16, INT32, INT64, INT8, onnxModel, UINT8, type ModelSpec } from '../support/onnx-model.ts'

const value = (name: string, type: number, shape: (number | string)[]) => ({ name, type, shape })

/** y = x + 1, for x [batch, 2]. */
export const addOne = onnxModel({
  nodes: [{ op: 'Add', inputs: ['x', 'one'], outputs: ['y'] }],
  inputs: [value('x', FLOAT, ['batch', 2])],
  outputs: [value('y', FLOAT, ['batch', 2])],
  initializers: [{ name: 'one', type: FLOAT, dims: [], bytes: floatBytes([1]) }],
})

/** y = x + offset, where offset int64 [] is optional and 5 without it. */
export const withDefault = onnxModel({
  nodes: [
    { op: 'Cast', inputs: ['offset'], outputs: ['number'], attributes: { to: FLOAT } },
    { op: 'Add', inputs: ['x', 'number'], outputs: ['y'] },
  ],
  inputs: [value('x', FLOAT, ['batch', 2]), value('offset', INT64, [])],
  outputs: [value('y', FLOAT, ['batch', 2])],
  initializers: [{ name: 'offset', type: INT64, dims: [], bytes: new Uint8Array(BigInt64Array.of(5n).buffer) }],
})

/** out = in + step for state [batch, 64, 256], and total = the sum of everything. */
export const accumulate = onnxModel({
  nodes: [
    { op: 'Add', inputs: ['state.memory', 'step'], outputs: ['next.memory'] },
    { op: 'ReduceSum', inputs: ['step'], outputs: ['total'], attributes: { keepdims: 0 } },
  ],
  inputs: [value('state.memory', FLOAT, ['batch', 64, 256]), value('step', FLOAT, ['batch', 64, 256])],
  outputs: [value('next.memory', FLOAT, ['batch', 64, 256]), value('total', FLOAT, [])],
})

/** Copies one value of every dtype. */
export const everyDtype = onnxModel({
  nodes: ['float32', 'int32', 'int64', 'bool', 'uint8', 'int8', 'float16'].map((name) => ({
    op: 'Identity',
    inputs: [name],
    outputs: [`${name}.copy`],
  })),
  inputs: dtypeValues(''),
  outputs: dtypeValues('.copy'),
})

/** y = x + a constant product of two large matrices: a long run, unless constants are folded when it opens. */
export function constantProduct(size: number): Uint8Array {
  const matrix = (name: string) => ({ name, type: FLOAT, dims: [size, size], bytes: new Uint8Array(size * size * 4) })
  return onnxModel({
    nodes: [
      { op: 'MatMul', inputs: ['a', 'b'], outputs: ['product'] },
      { op: 'ReduceSum', inputs: ['product'], outputs: ['sum'], attributes: { keepdims: 0 } },
      { op: 'Add', inputs: ['x', 'sum'], outputs: ['y'] },
    ],
    inputs: [value('x', FLOAT, ['batch', 2])],
    outputs: [value('y', FLOAT, ['batch', 2])],
    initializers: [matrix('a'), matrix('b')],
  })
}

/** y = x + weights of `megabytes`, to make leaks large. */
export function heavy(megabytes: number): Uint8Array {
  const count = megabytes * 262_144
  return onnxModel({
    nodes: [{ op: 'Add', inputs: ['x', 'weights'], outputs: ['y'] }],
    inputs: [value('x', FLOAT, [1])],
    outputs: [value('y', FLOAT, [count])],
    initializers: [{ name: 'weights', type: FLOAT, dims: [count], bytes: new Uint8Array(count * 4) }],
  })
}

/** y = the sum of (exp(x) weights)^2, whose intermediate result is [rows, columns]. */
export function wide(rows: number, columns: number): Uint8Array {
  return onnxModel({
    nodes: [
      { op: 'Exp', inputs: ['x'], outputs: ['grown'] },
      { op: 'MatMul', inputs: ['grown', 'weights'], outputs: ['product'] },
      { op: 'Mul', inputs: ['product', 'product'], outputs: ['square'] },
      { op: 'ReduceSum', inputs: ['square'], outputs: ['y'], attributes: { keepdims: 0 } },
    ],
    inputs: [value('x', FLOAT, [rows, 1]), value('weights', FLOAT, [1, columns])],
    outputs: [value('y', FLOAT, [])],
  })
}

/** Layers of gated delta rule, one after the other, each with a state [batch, heads, keys, values]. */
export function linearAttention(layers: number, heads: number, width: number): Uint8Array {
  const state = ['batch', heads, width, width]
  const spec: ModelSpec = {
    nodes: [],
    inputs: [
      ...['q', 'k', 'v'].map((name) => value(name, FLOAT, ['batch', 'time', heads * width])),
      ...['decay', 'beta'].map((name) => value(name, FLOAT, ['batch', 'time', heads])),
    ],
    outputs: [value('y', FLOAT, ['batch', 'time', heads * width])],
  }
  for (let layer = 0; layer < layers; layer++) {
    spec.inputs.push(value(`state.${layer}`, FLOAT, state))
    spec.outputs.push(value(`next.${layer}`, FLOAT, state))
    spec.nodes.push({
      op: 'LinearAttention',
      domain: 'com.microsoft',
      inputs: ['q', 'k', layer === 0 ? 'v' : `y.${layer - 1}`, `state.${layer}`, 'decay', 'beta'],
      outputs: [layer === layers - 1 ? 'y' : `y.${layer}`, `next.${layer}`],
      attributes: { q_num_heads: heads, kv_num_heads: heads, update_rule: 'gated_delta', scale: { float: 1 } },
    })
  }
  return onnxModel(spec)
}

function dtypeValues(suffix: string) {
  const types = { float32: FLOAT, int32: INT32, int64: INT64, bool: BOOL, uint8: UINT8, int8: INT8, float16: FLOAT16 }
  return Object.entries(types).map(([name, type]) => value(name + suffix, type, ['n']))
}

function floatBytes(values: number[]): Uint8Array {
  return new Uint8Array(Float32Array.from(values).buffer)
}
