/** The published tensors of a GGUF file, read by the rows that make them. */
import { SourceError, type QuantBlocks, type TensorSource } from '../contract.ts'
import { checkRows } from '../safetensors.ts'
import { blockKindOf, readBlocks } from './blocks.ts'
import type { GgufFile, GgufTensor } from './format.ts'
import type { Mapping, RowMapping } from './mapping.ts'
import { readRowsOf, rowCount, rowLength, type WantedRow } from './rows.ts'

/** The published tensors of `mappings`, read from the file when they are asked for. */
export function mappedTensors(
  mappings: ReadonlyMap<string, Mapping>,
  where: string,
  close: () => Promise<void>,
): TensorSource {
  const find = (name: string): Mapping => {
    const mapping = mappings.get(name)
    if (!mapping) throw new SourceError(`${where}: has no tensor ${name}`)
    return mapping
  }
  return {
    names: [...mappings.keys()],
    shape: (name) => find(name).shape,
    read: async (name) => readMapping(find(name)),
    async readRows(name, from, to) {
      const mapping = find(name)
      const [rows = 1, ...rest] = mapping.shape
      checkRows(name, from, to, rows)
      const size = rest.reduce((product, length) => product * length, 1)
      if ('compute' in mapping || size % widthOf(mapping) !== 0)
        return (await readMapping(mapping)).slice(from * size, to * size)
      const perRow = size / widthOf(mapping)
      return readValues(mapping, from * perRow, to * perRow)
    },
    async blocks(name): Promise<QuantBlocks | undefined> {
      const mapping = find(name)
      return 'compute' in mapping || mapping.each ? undefined : readBlocks(mapping, wantedRows(mapping, 0))
    },
    blockKind(name) {
      const mapping = find(name)
      return 'compute' in mapping || mapping.each ? null : blockKindOf(mapping)
    },
    close,
  }
}

async function readMapping(mapping: Mapping): Promise<Float32Array> {
  if (!('compute' in mapping)) return readValues(mapping, 0, rowsOf(mapping))
  const parts: Float32Array[] = []
  for (const tensor of mapping.parts) parts.push(await readTensor(tensor))
  return mapping.compute(...parts)
}

/** The values of a tensor as the file has it. */
export async function readTensor(tensor: GgufTensor): Promise<Float32Array> {
  return readValues({ shape: tensor.shape, parts: [tensor] }, 0, rowCount(tensor))
}

/** Tensors of the file by their own names and shapes. */
export function fileTensors({ tensors }: GgufFile): ReadonlyMap<string, RowMapping> {
  return new Map([...tensors].map(([name, tensor]) => [name, { shape: tensor.shape, parts: [tensor] }]))
}

async function readValues(mapping: RowMapping, from: number, to: number): Promise<Float32Array> {
  const width = widthOf(mapping)
  const values = new Float32Array((to - from) * width)
  const row = new Float32Array(width)
  const { columns, each } = mapping
  for (const [part, wanted] of wantedRows(mapping, from, to).entries()) {
    const { decode, block, bytes: blockBytes } = mapping.parts[part]!.type
    const rowBytes = (width / block) * blockBytes
    await readRowsOf(mapping.parts[part]!, wanted, (bytes, at, index) => {
      decode(bytes.subarray(at, at + rowBytes), row)
      const start = index * width
      if (columns) for (let i = 0; i < width; i++) values[start + i] = row[columns[i]!]!
      else values.set(row, start)
    })
  }
  if (each) for (let i = 0; i < values.length; i++) values[i] = each(values[i]!)
  return values
}

/** For each part, its rows for ours in [from, to), each with its place counted from `from`. */
function wantedRows(mapping: RowMapping, from: number, to = rowsOf(mapping)): WantedRow[][] {
  const starts = [0]
  for (const part of mapping.parts) starts.push(starts.at(-1)! + rowCount(part))
  const wanted: WantedRow[][] = mapping.parts.map(() => [])
  for (let index = from; index < to; index++) {
    const row = mapping.rows?.[index] ?? index
    const part = starts.findIndex((start, i) => row >= start && row < (starts[i + 1] ?? -1))
    wanted[part]!.push({ to: index - from, row: row - starts[part]! })
  }
  return wanted
}

function rowsOf(mapping: RowMapping): number {
  return mapping.rows?.length ?? mapping.parts.reduce((sum, part) => sum + rowCount(part), 0)
}

function widthOf({ parts }: RowMapping): number {
  return rowLength(parts[0]!)
}
