/** Rows of stored tensors, in any order, read in few and bounded pieces. */
import type { GgufTensor } from './format.ts'

/** A piece that is read at once; bounds the memory beside the result. */
const PIECE_BYTES = 16 * 1024 * 1024

/** Which row of which part is wanted where. */
export interface WantedRow {
  readonly to: number
  readonly row: number
}

/** Numbers of the innermost axis: what GGUF stores in a row, in whole blocks. */
export function rowLength(tensor: GgufTensor): number {
  return tensor.shape.at(-1) ?? 1
}

export function rowCount(tensor: GgufTensor): number {
  return tensor.shape.slice(0, -1).reduce((product, size) => product * size, 1)
}

/** Calls `take` for each wanted row with the bytes of its piece, and where in them the row begins. */
export async function readRowsOf(
  tensor: GgufTensor,
  wanted: readonly WantedRow[],
  take: (bytes: Uint8Array<ArrayBuffer>, at: number, to: number) => void,
): Promise<void> {
  const rowBytes = (rowLength(tensor) / tensor.type.block) * tensor.type.bytes
  const most = Math.max(1, Math.floor(PIECE_BYTES / rowBytes))
  const sorted = wanted.every(({ row }, i) => i === 0 || wanted[i - 1]!.row <= row)
  const ordered = sorted ? wanted : wanted.toSorted((a, b) => a.row - b.row)
  for (let i = 0; i < ordered.length;) {
    const first = ordered[i]!.row
    let end = i + 1
    while (end < ordered.length && ordered[end]!.row <= ordered[end - 1]!.row + 1 && ordered[end]!.row < first + most)
      end++
    const rows = ordered[end - 1]!.row - first + 1
    const bytes = await tensor.file.read(tensor.at + first * rowBytes, rows * rowBytes)
    for (; i < end; i++) take(bytes, (ordered[i]!.row - first) * rowBytes, ordered[i]!.to)
  }
}
