/** The stretches of the files that the rows of a batch read, each from beginning to end, and again. */
import { DataError } from './batch.ts'
import type { TokenFile } from './token-file.ts'

/** A place in one of the files. */
export interface Bound {
  readonly file: number
  readonly place: number
}

/** A part of a file. */
export interface Range {
  readonly file: number
  readonly from: number
  readonly to: number
}

/** Which part of the files: the last `heldOut` of them is kept from training. */
export interface Part {
  readonly part: 'train' | 'heldout'
  /** A share from 0 to below 1. */
  readonly heldOut: number
}

/** A row gets at least so many bytes of text or tokens: the next token of less teaches nothing. */
const leastForRow = 16

/** Where the rows begin, and after them where the last one ends. Throws DataError where there is too little for one row. */
export async function cutStretches(files: readonly TokenFile[], rows: number, part: Part): Promise<Bound[]> {
  const total = files.reduce((sum, { size }) => sum + size, 0)
  const cut = await heldOutCut(files, part.heldOut)
  const [start, end] = part.part === 'train' ? [{ file: 0, place: 0 }, cut] : [cut, endOf(files)]
  const [from, to] = [positionOf(files, start), positionOf(files, end)]
  if (to - from < 2) throw tooLittle(part, to - from, total)
  const count = Math.min(rows, Math.max(1, Math.floor((to - from) / leastForRow)))
  const between = await Promise.all(
    Array.from({ length: count - 1 }, (_, i) => boundAt(files, Math.round(from + ((to - from) * (i + 1)) / count))),
  )
  return [start, ...between.map((bound) => (positionOf(files, bound) < to ? bound : end)), end]
}

function tooLittle({ part, heldOut }: Part, size: number, total: number): DataError {
  const name = part === 'train' ? 'training data' : 'held-out data'
  const share = heldOut > 0 ? `; of ${total} a share of ${heldOut} is held out (--held-out-share, 0 for none)` : ''
  return new DataError(`${name}: expected text, got ${size} bytes or tokens${share}`)
}

/** The ranges of files of such sizes from one place to before another. */
export function rangesBetween(sizes: readonly number[], start: Bound, end: Bound): Range[] {
  return sizes.flatMap((size, file) => {
    if (file < start.file || file > end.file) return []
    const range = { file, from: file === start.file ? start.place : 0, to: file === end.file ? end.place : size }
    return range.to > range.from ? [range] : []
  })
}

/** Where training ends and the held-out text begins: of documents at least the last one is held out. */
async function heldOutCut(files: readonly TokenFile[], heldOut: number): Promise<Bound> {
  if (heldOut === 0) return endOf(files)
  const total = files.reduce((sum, { size }) => sum + size, 0)
  const wanted = Math.round(total * (1 - heldOut))
  const bound = await boundAt(files, wanted)
  return positionOf(files, bound) < total ? bound : lastStart(files, wanted)
}

/** The last place before `limit` at which reading may begin, found by bisection; 0 where there is one document only. */
async function lastStart(files: readonly TokenFile[], limit: number): Promise<Bound> {
  const total = files.reduce((sum, { size }) => sum + size, 0)
  let [low, high] = [0, limit]
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2)
    if (positionOf(files, await boundAt(files, middle)) < total) low = middle
    else high = middle
  }
  const bound = await boundAt(files, low)
  return positionOf(files, bound) === 0 ? endOf(files) : bound
}

/** The aligned place of a position in all files laid end to end. */
async function boundAt(files: readonly TokenFile[], position: number): Promise<Bound> {
  let before = 0
  for (const [index, file] of files.entries()) {
    if (position < before + file.size) return { file: index, place: await file.align(position - before) }
    before += file.size
  }
  return endOf(files)
}

function positionOf(files: readonly TokenFile[], { file, place }: Bound): number {
  return files.slice(0, file).reduce((sum, { size }) => sum + size, 0) + place
}

function endOf(files: readonly TokenFile[]): Bound {
  const file = files.length - 1
  return { file, place: files[file]!.size }
}
