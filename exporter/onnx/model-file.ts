/** An ONNX file (onnx.proto) as it is read to be edited: ports, nodes and the places of tensors. Weights are not read. */
import { open } from 'node:fs/promises'
import { ProtobufFile, WIRE, type Field } from '../../runtime/protobuf-file.ts'

/** An input or output. `type` is TensorProto.DataType; a size that is not known is its symbol, or '?'. */
export interface FilePort {
  readonly name: string
  readonly type: number
  readonly shape: readonly (number | string)[]
}

export interface FileNode {
  readonly type: string
  readonly domain: string
  readonly inputs: readonly string[]
  readonly outputs: readonly string[]
  /** Whole numbers and short texts. */
  readonly attributes: ReadonlyMap<string, number | string>
  /** The node's bytes, without the tag and length before them. */
  readonly from: number
  readonly end: number
  readonly fields: readonly Field[]
}

export interface FileTensor {
  readonly name: string
  readonly type: number
  readonly dims: readonly number[]
  /** Where the bytes are, if they are in another file; without `length` they go to the end of it. */
  readonly external?: { readonly location: string; readonly offset: number; readonly length: number | undefined }
}

export interface ModelFile {
  readonly path: string
  readonly irVersion: number
  /** Of ONNX's own operators. */
  readonly opset: number
  readonly inputs: readonly FilePort[]
  readonly outputs: readonly FilePort[]
  /** Of the graph itself. */
  readonly nodes: readonly FileNode[]
  /** Of bodies of loops and branches, and of functions. */
  readonly innerNodes: readonly FileNode[]
  readonly initializers: ReadonlyMap<string, FileTensor>
  /** All tensors whose bytes are in other files. */
  readonly external: readonly FileTensor[]
  readonly fields: readonly Field[]
  /** Of the graph, which is one of `fields`. */
  readonly graph: { readonly field: Field; readonly fields: readonly Field[] }
}

const MODEL = { irVersion: 1, graph: 7, opset: 8, function: 25 } as const
export const GRAPH = { node: 1, name: 2, initializer: 5, input: 11, output: 12 } as const
export const NODE = { input: 1, output: 2, type: 4, attribute: 5, domain: 7 } as const
const FUNCTION_NODE = 7
const ATTRIBUTE = { name: 1, int: 3, string: 4, tensor: 5, graph: 6, tensors: 10, graphs: 11 } as const
const TENSOR = { dims: 1, type: 2, name: 8, external: 13 } as const
/** Bounds the recursion: graphs within graphs. */
const MAX_DEPTH = 64
/** Bytes of the longest text of an attribute that is read. */
const LONGEST_TEXT = 1024

/** Reads the structure of an ONNX file. Throws RuntimeError where it is none, or ends too early. */
export async function readModelFile(path: string): Promise<ModelFile> {
  const file = await open(path, 'r')
  try {
    const { size } = await file.stat()
    return await new ModelReader(new ProtobufFile(file, size, path)).model(path)
  } finally {
    await file.close()
  }
}

class ModelReader {
  readonly #file: ProtobufFile
  readonly #innerNodes: FileNode[] = []
  readonly #external: FileTensor[] = []

  constructor(file: ProtobufFile) {
    this.#file = file
  }

  async model(path: string): Promise<ModelFile> {
    const fields = await this.#fields({ from: 0, end: this.#file.size })
    const graphs = fields.filter(({ number, wire }) => number === MODEL.graph && wire === WIRE.bytes)
    const [field] = graphs
    if (!field || graphs.length > 1) throw this.#file.wrong(0, `one graph, got ${graphs.length}`)
    let [irVersion, opset] = [0, 0]
    for (const one of fields) {
      if (one.number === MODEL.irVersion) irVersion = await this.#file.number(one)
      if (one.number === MODEL.opset) opset = (await this.#opset(one)) ?? opset
      if (one.number === MODEL.function) await this.#function(one)
    }
    const graph = await this.#graph(field, 0)
    return {
      path,
      irVersion,
      opset,
      ...graph,
      innerNodes: this.#innerNodes,
      external: this.#external,
      fields,
      graph: { field, fields: graph.fields },
    }
  }

  async #fields({ from, end }: Pick<Field, 'from' | 'end'>): Promise<Field[]> {
    const found: Field[] = []
    for await (const field of this.#file.fields(from, end)) found.push(field)
    return found
  }

  /** The version of ONNX's own operators; undefined for another domain. */
  async #opset(field: Field): Promise<number | undefined> {
    let [domain, version] = ['', 0]
    for (const one of await this.#fields(field)) {
      if (one.number === 1) domain = await this.#file.text(one)
      if (one.number === 2) version = await this.#file.number(one)
    }
    return domain === '' || domain === 'ai.onnx' ? version : undefined
  }

  async #function(field: Field): Promise<void> {
    for (const one of await this.#fields(field))
      if (one.number === FUNCTION_NODE) this.#innerNodes.push(await this.#node(one, 1))
  }

  async #graph(field: Field, depth: number) {
    if (depth > MAX_DEPTH) throw this.#file.wrong(field.from, `at most ${MAX_DEPTH} levels of graphs`)
    const fields = await this.#fields(field)
    const nodes: FileNode[] = []
    const initializers = new Map<string, FileTensor>()
    const [inputs, outputs]: [FilePort[], FilePort[]] = [[], []]
    for (const one of fields) {
      if (one.number === GRAPH.node) nodes.push(await this.#node(one, depth))
      if (one.number === GRAPH.input) inputs.push(await this.#port(one))
      if (one.number === GRAPH.output) outputs.push(await this.#port(one))
      if (one.number !== GRAPH.initializer) continue
      const tensor = await this.#tensor(one)
      initializers.set(tensor.name, tensor)
    }
    return { fields, nodes, initializers, inputs, outputs }
  }

  async #node(field: Field, depth: number): Promise<FileNode> {
    let [type, domain] = ['', '']
    const [inputs, outputs]: [string[], string[]] = [[], []]
    const attributes = new Map<string, number | string>()
    const fields = await this.#fields(field)
    for (const one of fields) {
      if (one.number === NODE.input) inputs.push(await this.#file.text(one))
      if (one.number === NODE.output) outputs.push(await this.#file.text(one))
      if (one.number === NODE.type) type = await this.#file.text(one)
      if (one.number === NODE.domain) domain = await this.#file.text(one)
      if (one.number === NODE.attribute) await this.#attribute(one, attributes, depth)
    }
    return { type, domain, inputs, outputs, attributes, from: field.from, end: field.end, fields }
  }

  async #attribute(field: Field, into: Map<string, number | string>, depth: number): Promise<void> {
    let name = ''
    for (const one of await this.#fields(field)) {
      if (one.number === ATTRIBUTE.name) name = await this.#file.text(one)
      if (one.number === ATTRIBUTE.int) into.set(name, await this.#file.number(one))
      if (one.number === ATTRIBUTE.string && one.end - one.from <= LONGEST_TEXT)
        into.set(name, await this.#file.text(one))
      if (one.number === ATTRIBUTE.tensor || one.number === ATTRIBUTE.tensors) await this.#tensor(one)
      if (one.number !== ATTRIBUTE.graph && one.number !== ATTRIBUTE.graphs) continue
      const { nodes } = await this.#graph(one, depth + 1)
      this.#innerNodes.push(...nodes)
    }
  }

  async #tensor(field: Field): Promise<FileTensor> {
    let [name, type] = ['', 0]
    const dims: number[] = []
    const texts = new Map<string, string>()
    for (const one of await this.#fields(field)) {
      if (one.number === TENSOR.dims) dims.push(...(await this.#file.numbers(one)))
      if (one.number === TENSOR.type) type = await this.#file.number(one)
      if (one.number === TENSOR.name) name = await this.#file.text(one)
      if (one.number !== TENSOR.external) continue
      const [key = '', value = ''] = await this.#texts(one)
      texts.set(key, value)
    }
    const location = texts.get('location')
    if (location === undefined) return { name, type, dims }
    const [offset, length] = [texts.get('offset') ?? '0', texts.get('length')]
    const external = { location, offset: Number(offset), length: length === undefined ? undefined : Number(length) }
    const tensor = { name, type, dims, external }
    this.#external.push(tensor)
    return tensor
  }

  async #texts(field: Field): Promise<string[]> {
    const found: string[] = []
    for (const one of await this.#fields(field)) found[one.number - 1] = await this.#file.text(one)
    return found
  }

  /** ValueInfoProto: its name, and the element type and shape of a tensor. */
  async #port(field: Field): Promise<FilePort> {
    let [name, type] = ['', 0]
    const shape: (number | string)[] = []
    for (const one of await this.#fields(field)) {
      if (one.number === 1) name = await this.#file.text(one)
      if (one.number !== 2) continue
      for (const tensor of await this.#fields(one))
        for (const part of await this.#fields(tensor)) {
          if (part.number === 1) type = await this.#file.number(part)
          if (part.number === 2) for (const dim of await this.#fields(part)) shape.push(await this.#dim(dim))
        }
    }
    return { name, type, shape }
  }

  async #dim(field: Field): Promise<number | string> {
    for (const one of await this.#fields(field)) {
      if (one.number === 1) {
        const size = await this.#file.number(one)
        return Number.isSafeInteger(size) ? size : '?'
      }
      if (one.number === 2) return this.#file.text(one)
    }
    return '?'
  }
}
