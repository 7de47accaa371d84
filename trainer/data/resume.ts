/** Where a run goes on in its files, which may have been mended since it was saved. */
import { createHash } from 'node:crypto'
import { DataError, type JsonValue } from './batch.ts'
import { isInside, type RangePosition, type ReadSoFar, takenOf } from './range-feed.ts'
import { type Bound, cutStretches, type Part, type Range, rangesBetween } from './stretches.ts'
import type { StreamPosition } from './stream.ts'
import type { TokenFile } from './token-file.ts'

/** A row of a saved position; null where it had nothing to read. */
interface SavedRow extends StreamPosition<RangePosition> {
  /** The digest of what it has read; runs of earlier versions did not save it. */
  readonly read?: string
}

/** A position of corpusDataset; runs of earlier versions did not save `bounds`. */
export interface SavedPosition {
  readonly sizes: readonly number[]
  readonly bounds?: readonly Bound[]
  readonly rows: readonly (SavedRow | null)[]
}

export interface Resumed {
  readonly bounds: readonly Bound[]
  /** For each row that has something to read. */
  readonly rows: readonly ({ readonly position: StreamPosition<RangePosition>; readonly read: ReadSoFar } | undefined)[]
}

/** Reads what a checkpoint says of the data. Throws DataError where it is of other data or another batch. */
export function savedPosition(position: JsonValue, files: number, batch: number): SavedPosition {
  const saved = position as unknown as SavedPosition
  if (!Array.isArray(saved.sizes) || saved.sizes.length !== files)
    throw new DataError(
      `training data: expected the ${saved.sizes?.length ?? 0} files that the run began with, got ${files}`,
    )
  if (saved.rows.length !== batch)
    throw new DataError(`training data: expected a position of ${batch} rows, got ${saved.rows.length}`)
  // Passes were not always counted: such a run is in one that is not known, and it counts as the first
  return { ...saved, rows: saved.rows.map((row) => row && { ...row, pass: row.pass ?? 0 }) }
}

/**
 * Compares what every row has read with what the files now have. What is still to be read may have changed, and its
 * length too: then later rows begin where their text has moved to. Throws DataError where text that was read is another.
 */
export async function resume(
  files: readonly TokenFile[],
  saved: SavedPosition,
  bounds: readonly Bound[],
  part: Part,
): Promise<Resumed> {
  const before = saved.bounds ?? bounds
  const grown = files.map(({ size }, file) => size - saved.sizes[file]!)
  const moved: Bound[] = []
  const rows: Resumed['rows'][number][] = []
  /** How far the text of the row before has moved in its file. */
  let last = { file: -1, shift: 0 }
  for (const [index, start] of before.slice(0, -1).entries()) {
    const row = saved.rows[index]
    const ranges = rangesBetween(saved.sizes, start, before[index + 1]!)
    const shifts = start.file === last.file ? [last.shift, grown[start.file]!] : [0, grown[start.file]!]
    if (!row || ranges.length === 0) {
      moved.push({ file: start.file, place: start.place + shifts[0]! })
      rows.push(undefined)
      continue
    }
    const { shift, read } = await findRead(files, ranges, row, shifts)
    last = { file: start.file, shift }
    const unread = !isInside(row) && row.pass === 0 && row.range === 0 && row.offset === start.place
    const place = start.place + shift
    const from = unread && grown[start.file] !== 0 ? await files[start.file]!.align(place) : place
    moved.push({ file: start.file, place: from })
    const offset = unread ? from : row.range === 0 ? row.offset + shift : row.offset
    rows.push({ position: { range: row.range, offset, pass: row.pass, token: row.token, inside: row.inside }, read })
  }
  const end = await movedEnd(files, saved.sizes, before.at(-1)!, last, part)
  return { bounds: [...moved, end], rows }
}

/** The shift at which a row's text is found again. */
async function findRead(
  files: readonly TokenFile[],
  ranges: readonly Range[],
  row: SavedRow,
  shifts: readonly number[],
): Promise<{ shift: number; read: ReadSoFar }> {
  const [first] = ranges as [Range]
  if (row.read === undefined && shifts.some((shift) => shift !== 0))
    throw new DataError(`${files[first.file]!.name}: expected as many bytes or tokens as the run began with`)
  for (const shift of new Set(shifts)) {
    const read = await readAgain(files, ranges, row, shift).catch(notThere)
    if (read && (row.read === undefined || digestOf(read, row) === row.read)) return { shift, read }
  }
  throw new DataError(
    `${files[first.file]!.name}: the text from byte ${first.from} on that this run has read is not there any more; ` +
      'resume with the data as it was, or train anew',
  )
}

/** Reads what the row has read, its text moved by `shift`; undefined where the files end before. */
async function readAgain(
  files: readonly TokenFile[],
  ranges: readonly Range[],
  row: SavedRow,
  shift: number,
): Promise<ReadSoFar | undefined> {
  const hash = createHash('sha256')
  const whole = row.pass > 0
  for (const [index, range] of ranges.entries()) {
    if (!whole && index > row.range) break
    const by = index === 0 ? shift : 0
    const until = (!whole && index === row.range ? row.offset : range.to) + by
    if (range.from + by < 0 || until > files[range.file]!.size) return undefined
    for await (const chunk of files[range.file]!.chunks(range.from + by, until)) hash.update(chunk)
  }
  if (whole || !isInside(row)) return { hash, whole, current: undefined }
  const { file, to } = ranges[row.range]!
  const by = row.range === 0 ? shift : 0
  return { hash, whole, current: await files[file]!.read(row.offset + by, to + by) }
}

function digestOf({ hash, current }: ReadSoFar, row: SavedRow): string {
  const digest = hash.copy()
  if (current) digest.update(takenOf(current, row))
  return digest.digest('hex')
}

/** Where rows have moved, there may be none at a place. */
function notThere(error: unknown): undefined {
  if (!(error instanceof DataError)) throw error
}

/** Where the last row ends: not beyond where the held-out text of the files as they are now begins. */
async function movedEnd(
  files: readonly TokenFile[],
  sizes: readonly number[],
  end: Bound,
  last: { readonly file: number; readonly shift: number },
  part: Part,
): Promise<Bound> {
  if (end.place === sizes[end.file]) return { file: end.file, place: files[end.file]!.size }
  const place = end.place + (end.file === last.file ? last.shift : 0)
  if (files[end.file]!.size === sizes[end.file]) return { file: end.file, place }
  const now = (await cutStretches(files, 1, part)).at(-1)!
  return now.file === end.file ? { file: end.file, place: Math.min(place, now.place) } : { file: end.file, place }
}
