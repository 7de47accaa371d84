/**
 * Inputs with default values, for the fallback: onnxruntime-node hides a graph input that has an initializer and ignores
 * what is fed to it. Taking the initializer out of the model makes it an ordinary input, fed with its default by us.
 */
import { RuntimeError } from './errors.ts'
import { createTensor, elementTypes, isDtype, type Dtype, type Tensor } from './tensor.ts'

// Field numbers of onnx.proto.
const MODEL_GRAPH = 7
const GRAPH = { initializer: 5, input: 11 } as const
const VALUE_NAME = 1
const TENSOR = { dims: 1, dataType: 2, floats: 4, int32s: 5, int64s: 7, name: 8, raw: 9 } as const
const WIRE = { varint: 0, fixed64: 1, bytes: 2, fixed32: 5 } as const

interface Field {
  number: number
  wire: number
  /** Where the field starts, and where what it holds starts and ends. */
  start: number
  from: number
  end: number
}

/** Returns the model with its default inputs made ordinary ones, and their default values by name. */
export function splitDefaultInputs(model: Uint8Array): { model: Uint8Array; defaults: Record<string, Tensor> } {
  const graphField = [...fields(model)].find((field) => field.number === MODEL_GRAPH)
  if (!graphField) return { model, defaults: {} }
  const graph = model.subarray(graphField.from, graphField.end)
  const inputs = new Set<string>()
  for (const field of fields(graph)) if (field.number === GRAPH.input) inputs.add(nameIn(graph, field, VALUE_NAME))

  const defaults: Record<string, Tensor> = {}
  const kept: Uint8Array[] = []
  for (const field of fields(graph)) {
    const isDefault = field.number === GRAPH.initializer && inputs.has(nameIn(graph, field, TENSOR.name))
    if (isDefault) defaults[nameIn(graph, field, TENSOR.name)] = tensorIn(graph.subarray(field.from, field.end))
    else kept.push(graph.subarray(field.start, field.end))
  }
  if (Object.keys(defaults).length === 0) return { model, defaults }
  const rest = Buffer.concat(kept)
  const parts = [
    model.subarray(0, graphField.start),
    header(MODEL_GRAPH, rest.length),
    rest,
    model.subarray(graphField.end),
  ]
  return { model: Buffer.concat(parts), defaults }
}

function* fields(bytes: Uint8Array): Generator<Field> {
  let at = 0
  while (at < bytes.length) {
    const start = at
    const tag = varint(bytes, at)
    const wire = Number(tag.value & 7n)
    at = tag.end
    let from = at
    if (wire === WIRE.bytes) {
      const length = varint(bytes, at)
      from = length.end
      at = from + Number(length.value)
    } else if (wire === WIRE.varint) at = varint(bytes, at).end
    else if (wire === WIRE.fixed64) at += 8
    else if (wire === WIRE.fixed32) at += 4
    else throw new RuntimeError(`model: expected an ONNX file, got protobuf wire type ${wire}`)
    if (at > bytes.length) throw new RuntimeError(`model: expected ${at} bytes of ONNX, got ${bytes.length}`)
    yield { number: Number(tag.value >> 3n), wire, start, from, end: at }
  }
}

function varint(bytes: Uint8Array, from: number): { value: bigint; end: number } {
  let value = 0n
  for (let at = from, shift = 0n; at < bytes.length; at++, shift += 7n) {
    const byte = bytes[at] ?? 0
    value |= BigInt(byte & 127) << shift
    if (byte < 128) return { value: BigInt.asUintN(64, value), end: at + 1 }
  }
  throw new RuntimeError(`model: expected a whole number at byte ${from}, got the end of the file`)
}

function header(number: number, length: number): Uint8Array {
  const bytes: number[] = [(number << 3) | WIRE.bytes]
  let rest = length
  for (; rest > 127; rest = Math.floor(rest / 128)) bytes.push((rest % 128) + 128)
  return Uint8Array.from([...bytes, rest])
}

function nameIn(graph: Uint8Array, { from, end }: Field, number: number): string {
  const message = graph.subarray(from, end)
  for (const field of fields(message)) {
    if (field.number === number) return Buffer.from(message.subarray(field.from, field.end)).toString()
  }
  return ''
}

function tensorIn(message: Uint8Array): Tensor {
  const dims: number[] = []
  const integers: bigint[] = []
  let code = 0
  let bytes = new Uint8Array(0)
  for (const field of fields(message)) {
    const { number } = field
    if (number === TENSOR.dims) dims.push(...varints(message, field).map(Number))
    else if (number === TENSOR.dataType) code = Number(varint(message, field.from).value)
    else if (number === TENSOR.int32s || number === TENSOR.int64s) integers.push(...varints(message, field))
    else if (number === TENSOR.floats || number === TENSOR.raw) bytes = message.slice(field.from, field.end)
  }
  const dtype = Object.keys(elementTypes)
    .filter(isDtype)
    .find((name) => elementTypes[name] === code)
  if (dtype === undefined)
    throw new RuntimeError(`model: expected a default input of a dtype of ours, got type ${code}`)
  return integers.length > 0 ? createTensor(dtype, dims, integers) : fromBytes(dtype, dims, bytes)
}

// Repeated numbers are packed in one field, or one to a field.
function varints(message: Uint8Array, field: Field): bigint[] {
  const values: bigint[] = []
  for (let at = field.from; at < field.end;) {
    const { value, end } = varint(message, at)
    values.push(BigInt.asIntN(64, value))
    at = end
  }
  return values
}

function fromBytes(dtype: Dtype, dims: number[], bytes: Uint8Array): Tensor {
  const tensor = createTensor(dtype, dims)
  new Uint8Array(tensor.data.buffer).set(bytes)
  return tensor
}
