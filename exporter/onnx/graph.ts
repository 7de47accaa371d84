/** An ONNX graph under construction (onnx.proto, IR version 10): nodes, constants, subgraphs, functions. */
import { Message } from './protobuf.ts'

/** A value of the graph. It has a name and no shape: shapes are the runtime's business. */
export interface Value {
  readonly name: string
}

/** A node before it is written: names may still change. */
interface NodeRecord {
  readonly type: string
  readonly inputs: readonly (Value | undefined)[]
  readonly attributes: Readonly<Record<string, Attribute>>
  readonly outputs: readonly { name: string }[]
  readonly domain: Domain
}

export type ElementType = 'float32' | 'float16' | 'uint8' | 'int8' | 'int32' | 'int64' | 'bool'
/** TensorProto.DataType. */
export const elementTypes: Readonly<Record<ElementType, number>> = {
  float32: 1,
  uint8: 2,
  int8: 3,
  int32: 6,
  int64: 7,
  bool: 9,
  float16: 10,
}

/** Attributes say their kind: JavaScript has one kind of number, ONNX has two. */
export type Attribute =
  | { readonly int: number }
  | { readonly float: number }
  | { readonly string: string }
  | { readonly ints: readonly number[] }
  /** Written last: values of the surrounding graph may still get other names. */
  | { readonly graph: () => Message }
  | { readonly tensor: Message }
  /** The attribute of the surrounding function, which the caller sets. */
  | { readonly reference: string; readonly kind: 'int' | 'float' }

export interface Port {
  readonly name: string
  readonly dtype: ElementType
  readonly shape: readonly (number | string)[]
}

/** Where a tensor outside the graph's file is. */
export interface ExternalPlace {
  /** The file, relative to the graph's. */
  readonly location: string
  readonly offset: number
  readonly length: number
}

export interface Producer {
  readonly type: string
  readonly inputs: readonly (Value | undefined)[]
  readonly index: number
  /** How many outputs the node has. */
  readonly outputs: number
}

/** The opsets that our models import. */
export const opsets = { '': 21, 'com.microsoft': 1, mneme: 1 } as const
export type Domain = keyof typeof opsets

/** What all graphs of one model share: names, initializers, functions, domains. */
class Root {
  next = 0
  /** Begins every name that is made. */
  readonly names: string
  readonly initializers = new Map<string, Message>()
  readonly functions = new Map<string, Message>()
  readonly domains = new Set<Domain>([''])

  constructor(names: string) {
    this.names = names
  }
}

export class GraphBuilder {
  readonly #root: Root
  /** Functions may not have initializers: inside them constants are nodes. */
  readonly #inFunction: boolean
  readonly #nodes: NodeRecord[] = []
  /** Bodies of loops, which see the values of this graph. */
  readonly #children: GraphBuilder[] = []
  #constants = new Map<string, Value>()
  readonly #producers = new Map<Value, Producer>()
  /** Outputs of this graph's nodes, and those of them that have a name of their own. */
  readonly #made = new Set<Value>()
  readonly #named = new Set<Value>()

  /** `names` begins every name that is made, for nodes that are added to a graph of others. */
  constructor(parent: { root: Root; inFunction: boolean } | { names: string } = { names: '' }) {
    this.#root = 'root' in parent ? parent.root : new Root(parent.names)
    this.#inFunction = 'root' in parent && parent.inFunction
  }

  /** Nodes of this graph and of the bodies of its loops. */
  get size(): number {
    return this.#children.reduce((sum, child) => sum + child.size, this.#nodes.length)
  }

  /** A graph for the body of a Scan or Loop: it sees this graph's values and shares its names. */
  child(): GraphBuilder {
    const child = new GraphBuilder({ root: this.#root, inFunction: this.#inFunction })
    if (this.#inFunction) child.#constants = new Map(this.#constants)
    this.#children.push(child)
    return child
  }

  fresh(hint: string): string {
    return `${this.#root.names}${hint}_${this.#root.next++}`
  }

  /** Adds a node and returns its outputs. An absent optional input is undefined. */
  node(
    type: string,
    inputs: readonly (Value | undefined)[],
    attributes: Readonly<Record<string, Attribute>> = {},
    outputs = 1,
    domain: Domain = '',
  ): Value[] {
    const out = Array.from({ length: outputs }, () => ({ name: this.fresh(type) }))
    this.nodeInto(type, inputs, attributes, out, domain)
    return out
  }

  /** Adds a node whose outputs have names of their own. */
  nodeInto(
    type: string,
    inputs: readonly (Value | undefined)[],
    attributes: Readonly<Record<string, Attribute>>,
    outputs: readonly Value[],
    domain: Domain = '',
  ): void {
    this.#root.domains.add(domain)
    this.#nodes.push({ type, inputs, attributes, outputs, domain })
    for (const [index, output] of outputs.entries()) {
      this.#made.add(output)
      this.#producers.set(output, { type, inputs, index, outputs: outputs.length })
    }
  }

  /**
   * Gives `value` a name as an output of this graph: its node writes there directly, where the value is a node's and
   * has no such name yet; else through an Identity.
   */
  output(value: Value, name: string): void {
    const own = this.#made.has(value) && !this.#named.has(value)
    if (own) (value as { name: string }).name = name
    else this.nodeInto('Identity', [value], {}, [{ name }])
    this.#named.add(value)
  }

  /** A weight, by its own name. */
  initializer(name: string, dtype: ElementType, dims: readonly number[], data: ArrayBufferView): Value {
    this.#root.initializers.set(name, encodeTensor(name, dtype, dims, data))
    return { name }
  }

  /** A weight whose numbers are in another file: `length` bytes from `offset` on. */
  external(name: string, dtype: ElementType, dims: readonly number[], at: ExternalPlace): Value {
    this.#root.initializers.set(name, encodeExternal(name, dtype, dims, at))
    return { name }
  }

  /** The node of this graph that makes a value: its type, inputs, and which of its outputs the value is. */
  producer(value: Value): Producer | undefined {
    return this.#producers.get(value)
  }

  /**
   * Removes the node that makes `value`, for one that makes the same and more, and returns its inputs. Nothing is done,
   * and undefined returned, where it is of another type or where a node reads the value already.
   */
  takeBack(value: Value, type: string): readonly (Value | undefined)[] | undefined {
    const at = this.#nodes.findLastIndex((node) => node.outputs.includes(value))
    const node = this.#nodes[at]
    const read = this.#named.has(value) || this.#reads(at + 1).includes(value)
    if (node?.type !== type || node.outputs.length > 1 || read) return undefined
    this.#nodes.splice(at, 1)
    return node.inputs
  }

  /** The names that nodes of this graph, and of the bodies of its loops, read. */
  readNames(): Set<string> {
    return new Set(this.#reads().map(({ name }) => name))
  }

  /** The names of all that `value` is computed from, and of what the bodies of loops read. */
  ancestors(value: Value): ReadonlySet<string> {
    return this.#needed([value]).names
  }

  /** A constant; equal ones are shared. */
  constant(dtype: ElementType, dims: readonly number[], values: readonly number[]): Value {
    const key = `${dtype}[${dims.join(',')}]:${values.join(',')}`
    const known = this.#constants.get(key)
    if (known) return known
    const data = typed(dtype, values)
    const name = this.fresh('constant')
    const value = this.#inFunction
      ? this.node('Constant', [], { value: { tensor: encodeTensor(name, dtype, dims, data) } })[0]!
      : this.initializer(name, dtype, dims, data)
    this.#constants.set(key, value)
    return value
  }

  /** This graph as a GraphProto, for a body or the whole model. Ports without a type are bare names. */
  encode(name: string, inputs: readonly (Port | Value)[], outputs: readonly (Port | Value)[], root = false): Message {
    const m = new Message()
    const { nodes, names } = this.#needed(outputs)
    for (const node of nodes) m.message(1, encodeNode(node))
    m.string(2, name)
    if (root) for (const [key, tensor] of this.#root.initializers) if (names.has(key)) m.message(5, tensor)
    for (const port of inputs) m.message(11, encodePort(port))
    for (const port of outputs) m.message(12, encodePort(port))
    return m
  }

  /** The nodes that make `values` and the constants that they read, as fields of a GraphProto that has others beside them. */
  part(values: readonly Value[]): Message {
    const m = new Message()
    const { nodes, names } = this.#needed(values)
    for (const node of nodes) m.message(1, encodeNode(node, this.#root.names))
    for (const [key, tensor] of this.#root.initializers) if (names.has(key)) m.message(5, tensor)
    return m
  }

  /** The nodes that the outputs, or bodies of loops, depend on, and all names that these read. */
  #needed(outputs: readonly { readonly name: string }[]): { nodes: NodeRecord[]; names: Set<string> } {
    const names = new Set([...outputs, ...this.#children.flatMap((child) => child.#reads())].map(({ name }) => name))
    const backwards = this.#nodes.toReversed().filter((node) => {
      const needed = node.outputs.some(({ name }) => names.has(name))
      if (needed) for (const input of node.inputs) if (input) names.add(input.name)
      return needed
    })
    return { nodes: backwards.toReversed(), names }
  }

  /** What nodes from `first` on read, and those of the bodies of loops. */
  #reads(first = 0): Value[] {
    const own = this.#nodes.slice(first).flatMap(({ inputs }) => inputs.filter((input) => input !== undefined))
    return [...own, ...this.#children.flatMap((child) => child.#reads())]
  }

  /**
   * Defines a function of our domain, once for each `sizes`, and returns its name. `body` gets the formal inputs and
   * returns the outputs; it may depend on nothing but these and the sizes.
   */
  define(
    name: string,
    inputs: readonly string[],
    attributes: readonly string[],
    body: (graph: GraphBuilder, inputs: Value[]) => Value[],
    sizes: readonly (number | string)[] = [],
  ): string {
    const own = [name, ...sizes].join('_')
    if (this.#root.functions.has(own)) return own
    const graph = new GraphBuilder({ root: this.#root, inFunction: true })
    const outputs = body(
      graph,
      inputs.map((input) => ({ name: input })),
    )
    const m = new Message().string(1, own)
    for (const input of inputs) m.string(4, input)
    for (const output of outputs) m.string(5, output.name)
    for (const attribute of attributes) m.string(6, attribute)
    for (const node of graph.#nodes) m.message(7, encodeNode(node))
    for (const domain of ['', 'com.microsoft'] as const) m.message(9, encodeOpset(domain))
    this.#root.domains.add('com.microsoft')
    this.#root.functions.set(own, m.string(10, 'mneme'))
    return own
  }

  /** The whole model's bytes. */
  model(name: string, inputs: readonly Port[], outputs: readonly Port[]): Uint8Array {
    const m = new Message()
      .int(1, 10)
      .string(2, 'mneme')
      .message(7, this.encode(name, inputs, outputs, true))
    for (const domain of this.#root.domains) m.message(8, encodeOpset(domain))
    for (const definition of this.#root.functions.values()) m.message(25, definition)
    return m.encode()
  }
}

/** NodeProto. */
function encodeNode({ type, inputs, attributes, outputs, domain }: NodeRecord, names = ''): Message {
  const m = new Message()
  for (const input of inputs) m.string(1, input?.name ?? '')
  for (const output of outputs) m.string(2, output.name)
  m.string(3, `${names}node_${outputs[0]?.name ?? type}`).string(4, type)
  for (const [name, value] of Object.entries(attributes)) m.message(5, encodeAttribute(name, value))
  return domain === '' ? m : m.string(7, domain)
}

const encodeOpset = (domain: Domain): Message => new Message().string(1, domain).int(2, opsets[domain])

function typed(dtype: ElementType, values: readonly number[]): ArrayBufferView {
  if (dtype === 'float32') return Float32Array.from(values)
  if (dtype === 'int32') return Int32Array.from(values)
  if (dtype === 'int64') return BigInt64Array.from(values, (v) => BigInt(v))
  return Uint8Array.from(values)
}

/** A TensorProto with raw little-endian data. */
function encodeTensor(name: string, dtype: ElementType, dims: readonly number[], data: ArrayBufferView): Message {
  const m = new Message()
  for (const dim of dims) m.int(1, dim)
  return m
    .int(2, elementTypes[dtype])
    .string(8, name)
    .bytes(9, new Uint8Array(data.buffer, data.byteOffset, data.byteLength))
}

/** A TensorProto with its data in another file (data_location EXTERNAL). */
function encodeExternal(name: string, dtype: ElementType, dims: readonly number[], at: ExternalPlace): Message {
  const m = new Message()
  for (const dim of dims) m.int(1, dim)
  m.int(2, elementTypes[dtype]).string(8, name)
  for (const [key, value] of Object.entries(at)) m.message(13, new Message().string(1, key).string(2, String(value)))
  return m.int(14, 1)
}

/** AttributeProto; the last field says the kind. */
function encodeAttribute(name: string, value: Attribute): Message {
  const m = new Message().string(1, name)
  if ('int' in value) return m.int(3, value.int).int(20, 2)
  if ('float' in value) return m.float(2, value.float).int(20, 1)
  if ('string' in value) return m.string(4, value.string).int(20, 3)
  if ('graph' in value) return m.message(6, value.graph()).int(20, 5)
  if ('tensor' in value) return m.message(5, value.tensor).int(20, 4)
  if ('reference' in value) return m.string(21, value.reference).int(20, value.kind === 'int' ? 2 : 1)
  for (const item of value.ints) m.int(8, item)
  return m.int(20, 7)
}

/** ValueInfoProto. */
function encodePort(port: Port | Value): Message {
  const m = new Message().string(1, port.name)
  if (!('dtype' in port)) return m
  const shape = new Message()
  for (const dim of port.shape)
    shape.message(1, typeof dim === 'number' ? new Message().int(1, dim) : new Message().string(2, dim))
  const tensor = new Message().int(1, elementTypes[port.dtype]).message(2, shape)
  return m.message(2, new Message().message(1, tensor))
}
