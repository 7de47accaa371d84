/** The files outside an ONNX file that hold its weights: found by walking the file, without reading the weights in it. */
import { open } from 'node:fs/promises'
import { ProtobufFile, WIRE, type Field } from './protobuf-file.ts'

// Field numbers of onnx.proto. Graphs are in nodes' attributes too (Loop, Scan, If), and tensors in constants.
const MODEL = { graph: 7, functions: 25 } as const
const GRAPH = { node: 1, initializer: 5, sparse: 15 } as const
const NODE = { attribute: 5 } as const
const FUNCTION = { node: 7, attribute: 11 } as const
const ATTRIBUTE = { tensor: 5, graph: 6, tensors: 10, graphs: 11, sparse: 22, sparses: 23 } as const
const SPARSE = { values: 1, indices: 2 } as const
const TENSOR = { externalData: 13 } as const
const ENTRY = { key: 1, value: 2 } as const

type Kind = 'model' | 'graph' | 'node' | 'function' | 'attribute' | 'sparse' | 'tensor'

/** What each message holds that may lead to external data, by field number. */
const INSIDE: Record<Kind, Readonly<Record<number, Kind>>> = {
  model: { [MODEL.graph]: 'graph', [MODEL.functions]: 'function' },
  graph: { [GRAPH.node]: 'node', [GRAPH.initializer]: 'tensor', [GRAPH.sparse]: 'sparse' },
  node: { [NODE.attribute]: 'attribute' },
  function: { [FUNCTION.node]: 'node', [FUNCTION.attribute]: 'attribute' },
  attribute: {
    [ATTRIBUTE.tensor]: 'tensor',
    [ATTRIBUTE.tensors]: 'tensor',
    [ATTRIBUTE.graph]: 'graph',
    [ATTRIBUTE.graphs]: 'graph',
    [ATTRIBUTE.sparse]: 'sparse',
    [ATTRIBUTE.sparses]: 'sparse',
  },
  sparse: { [SPARSE.values]: 'tensor', [SPARSE.indices]: 'tensor' },
  tensor: {},
}

/** Bounds the recursion: graphs within graphs. */
const MAX_DEPTH = 64

/** Locations, as written in the file at `path`, of its external data. Throws RuntimeError if it is not an ONNX file. */
export async function externalDataOf(path: string): Promise<string[]> {
  const file = await open(path, 'r')
  try {
    const found = new Set<string>()
    const { size } = await file.stat()
    await walk(new ProtobufFile(file, size, path), 0, size, 'model', 0, found)
    return [...found]
  } finally {
    await file.close()
  }
}

async function walk(
  reader: ProtobufFile,
  from: number,
  to: number,
  kind: Kind,
  depth: number,
  found: Set<string>,
): Promise<void> {
  if (depth > MAX_DEPTH) throw reader.wrong(from, `at most ${MAX_DEPTH} levels of graphs`)
  for await (const field of reader.fields(from, to)) {
    if (field.wire !== WIRE.bytes) continue
    const inner = INSIDE[kind][field.number]
    if (inner) await walk(reader, field.from, field.end, inner, depth + 1, found)
    else if (kind === 'tensor' && field.number === TENSOR.externalData) {
      const { key, value } = await entry(reader, field)
      if (key === 'location') found.add(value)
    }
  }
}

async function entry(
  reader: ProtobufFile,
  { from, end }: Pick<Field, 'from' | 'end'>,
): Promise<{ key: string; value: string }> {
  const texts: Record<number, string> = {}
  for await (const field of reader.fields(from, end))
    if (field.wire === WIRE.bytes) texts[field.number] = await reader.text(field)
  return { key: texts[ENTRY.key] ?? '', value: texts[ENTRY.value] ?? '' }
}
