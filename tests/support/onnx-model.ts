/** A minimal ONNX writer for tests: just enough protobuf to describe small graphs by hand. */

type Dims = readonly (number | string)[]
export interface ModelValue {
  name: string
  type: number
  shape: Dims
}
export interface ModelNode {
  op: string
  inputs: string[]
  outputs: string[]
  domain?: string
  attributes?: Record<string, number | string | { float: number }>
}
export interface ModelTensor {
  name: string
  type: number
  dims: number[]
  bytes: Uint8Array
  /** The field of TensorProto that holds the bytes: 9, raw_data, unless said. */
  fieldNumber?: number
  /** The file that holds the bytes instead. */
  external?: string
}
export interface ModelSpec {
  nodes: ModelNode[]
  inputs: ModelValue[]
  outputs: ModelValue[]
  initializers?: ModelTensor[]
}

/** TensorProto.DataType numbers. */
export const FLOAT = 1
export const UINT8 = 2
export const INT8 = 3
export const INT32 = 6
export const INT64 = 7
export const BOOL = 9
export const FLOAT16 = 10
export const DOUBLE = 11

/** Returns the bytes of a ModelProto (IR 10, opset 21, com.microsoft 1). */
export function onnxModel(spec: ModelSpec): Uint8Array {
  const graph = message(
    ...spec.nodes.map((node) => field(1, nodeProto(node))),
    text(2, 'test'),
    ...(spec.initializers ?? []).map((tensor) => field(5, tensorProto(tensor))),
    ...spec.inputs.map((value) => field(11, valueProto(value))),
    ...spec.outputs.map((value) => field(12, valueProto(value))),
  )
  const opset = (domain: string, version: number) => field(8, message(text(1, domain), integer(2, version)))
  return message(integer(1, 10), text(2, 'mneme tests'), field(7, graph), opset('', 21), opset('com.microsoft', 1))
}

function nodeProto(node: ModelNode): Uint8Array {
  return message(
    ...node.inputs.map((name) => text(1, name)),
    ...node.outputs.map((name) => text(2, name)),
    text(3, `${node.op}:${node.outputs.join()}`),
    text(4, node.op),
    ...Object.entries(node.attributes ?? {}).map(([name, value]) => field(5, attributeProto(name, value))),
    text(7, node.domain ?? ''),
  )
}

function attributeProto(name: string, value: number | string | { float: number }): Uint8Array {
  const [FLOAT_ATTRIBUTE, INT_ATTRIBUTE, STRING_ATTRIBUTE] = [1, 2, 3]
  if (typeof value === 'string') return message(text(1, name), text(4, value), integer(20, STRING_ATTRIBUTE))
  if (typeof value === 'number') return message(text(1, name), integer(3, value), integer(20, INT_ATTRIBUTE))
  return message(text(1, name), float(2, value.float), integer(20, FLOAT_ATTRIBUTE))
}

function tensorProto({ name, type, dims, bytes, fieldNumber = 9, external }: ModelTensor): Uint8Array {
  const EXTERNAL = 1
  if (external !== undefined) {
    const location = field(13, message(text(1, 'location'), text(2, external)))
    return message(
      ...dims.map((dim) => integer(1, dim)),
      integer(2, type),
      text(8, name),
      location,
      integer(14, EXTERNAL),
    )
  }
  return message(...dims.map((dim) => integer(1, dim)), integer(2, type), text(8, name), field(fieldNumber, bytes))
}

function valueProto({ name, type, shape }: ModelValue): Uint8Array {
  const dims = shape.map((dim) => field(1, typeof dim === 'number' ? integer(1, dim) : text(2, dim)))
  const tensorType = message(integer(1, type), field(2, message(...dims)))
  return message(text(1, name), field(2, message(field(1, tensorType))))
}

function message(...parts: Uint8Array[]): Uint8Array {
  return Buffer.concat(parts)
}

function field(number: number, bytes: Uint8Array): Uint8Array {
  return message(varint((number << 3) | 2), varint(bytes.length), bytes)
}

function text(number: number, value: string): Uint8Array {
  return field(number, Buffer.from(value))
}

function integer(number: number, value: number): Uint8Array {
  return message(varint(number << 3), varint(value))
}

function float(number: number, value: number): Uint8Array {
  return message(varint((number << 3) | 5), new Uint8Array(new Float32Array([value]).buffer))
}

function varint(value: number): Uint8Array {
  const bytes: number[] = []
  let rest = BigInt.asUintN(64, BigInt(value))
  for (; rest > 127n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128)
  return Uint8Array.from([...bytes, Number(rest)])
}
