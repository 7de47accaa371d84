/** Writes an ONNX file with nodes before and after those that it has, and with other ports; all else is copied as it is. */
import { open, type FileHandle } from 'node:fs/promises'
import { RuntimeError } from '../../runtime/errors.ts'
import type { Field } from '../../runtime/protobuf-file.ts'
import { GraphBuilder, type Port } from './graph.ts'
import { GRAPH, NODE, type FileNode, type ModelFile } from './model-file.ts'
import { Message, messageHeader } from './protobuf.ts'

export interface Edits {
  /** Fields of a GraphProto: nodes that make the inputs which the model had, and that take its outputs. */
  readonly before: Message
  readonly after: Message
  readonly inputs: readonly Port[]
  readonly outputs: readonly Port[]
  /** Another model whose graph comes before this one's nodes, but for its ports. */
  readonly first?: ModelFile | undefined
  /** A node that is left out, since one of `after` takes its place. */
  readonly without?: FileNode | undefined
}

/** Bytes of a file that is read, or of what is added. */
type Piece = Range | { readonly bytes: Uint8Array }
interface Range {
  readonly of: ModelFile
  readonly from: number
  readonly end: number
}

const COPIED_AT_ONCE = 4 * 1024 * 1024

/** Writes `model` with the edits to `path`. Weights in the file are copied piece by piece; those beside it stay there. */
export async function writeEdited(model: ModelFile, edits: Edits, path: string): Promise<void> {
  const sources = new Map<ModelFile, FileHandle>()
  const target = await open(path, 'w')
  try {
    for (const one of edits.first ? [model, edits.first] : [model]) sources.set(one, await open(one.path, 'r'))
    for (const piece of piecesOf(model, edits)) {
      if ('bytes' in piece) await target.writeFile(piece.bytes)
      else await copy(sources.get(piece.of)!, target, piece.from, piece.end)
    }
    await target.sync()
  } finally {
    for (const source of sources.values()) await source.close()
    await target.close()
  }
}

/** A node of `model` with other names for some of its inputs and outputs, as a field of a GraphProto. */
export async function renamedNode(
  model: ModelFile,
  node: FileNode,
  names: ReadonlyMap<string, string>,
): Promise<Message> {
  const file = await open(model.path, 'r')
  try {
    const bytes = new Uint8Array(node.end - node.from)
    await file.read(bytes, 0, bytes.length, node.from)
    const renamed = new Message()
    for (const [number, values] of [
      [NODE.input, node.inputs],
      [NODE.output, node.outputs],
    ] as const)
      for (const name of values) renamed.string(number, names.get(name) ?? name)
    for (const { number, start, end } of node.fields)
      if (number !== NODE.input && number !== NODE.output)
        renamed.raw(bytes.subarray(start - node.from, end - node.from))
    return new Message().message(GRAPH.node, renamed)
  } finally {
    await file.close()
  }
}

function piecesOf(model: ModelFile, { before, after, inputs, outputs, first, without }: Edits): Piece[] {
  const ports = new GraphBuilder().encode('decoder', inputs, outputs)
  const dropped: readonly number[] = [GRAPH.name, GRAPH.input, GRAPH.output]
  const bodyOf = (of: ModelFile): Range[] => {
    const kept = of.graph.fields.filter(({ number }) => !dropped.includes(number))
    return joined(of, of === model ? kept.filter(({ from }) => from !== without?.from) : kept)
  }
  const kept = [...(first ? bodyOf(first) : []), ...bodyOf(model)]
  const body = kept.reduce((sum, { from, end }) => sum + end - from, 0)
  const length = before.length + body + after.length + ports.length
  const graph: Piece[] = [
    { bytes: messageHeader(model.graph.field.number, length) },
    { bytes: before.encode() },
    ...kept,
    { bytes: after.encode() },
    { bytes: ports.encode() },
  ]
  return model.fields.flatMap((field) =>
    field === model.graph.field ? graph : [{ of: model, from: field.start, end: field.end }],
  )
}

/** Fields as ranges of bytes; those that follow each other are one. */
function joined(of: ModelFile, fields: readonly Field[]): Range[] {
  const ranges: { of: ModelFile; from: number; end: number }[] = []
  for (const { start, end } of fields) {
    const last = ranges.at(-1)
    if (last?.end === start) last.end = end
    else ranges.push({ of, from: start, end })
  }
  return ranges
}

async function copy(source: FileHandle, target: FileHandle, from: number, end: number): Promise<void> {
  const buffer = Buffer.alloc(Math.min(COPIED_AT_ONCE, end - from))
  for (let at = from; at < end;) {
    const { bytesRead } = await source.read(buffer, 0, Math.min(buffer.length, end - at), at)
    if (bytesRead === 0) throw new RuntimeError('the model file became shorter while it was read')
    await target.writeFile(buffer.subarray(0, bytesRead))
    at += bytesRead
  }
}
