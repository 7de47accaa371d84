/** Text, JSONL and token shards as training data: B streams side by side, none of them ever wholly in memory. */
import type { TextCodec } from '../../runtime/text.ts'
import { DataError, emptyBatch, type Dataset, type JsonValue } from './batch.ts'
import { openCorpus } from './corpus.ts'
import type { CorpusFile } from './corpus-file.ts'
import { defaultFields, type Fields, type Mode } from './document.ts'
import { hubDataset } from './hub/dataset.ts'
import { isHubName } from './hub/name.ts'
import { type Feed, type FeedPlace, openRow, type Place } from './row.ts'

export interface TextOptions {
  /** Files and folders: .txt and .md text, .jsonl, folders written by `mneme tokenize`; or one name of a hub data set. */
  readonly paths: readonly string[]
  readonly codec: TextCodec
  readonly batch: number
  readonly time: number
  /** The last part of the data that is kept from training: a share from 0 to below 1. */
  readonly heldOut?: number
  /** Which part to read. */
  readonly part?: 'train' | 'heldout'
  readonly mode?: Mode
  readonly fields?: Fields
  /** Split of a hub data set. */
  readonly split?: string
}

/** A part of a file that a row reads. */
interface Range {
  readonly file: number
  readonly from: number
  readonly to: number
}

interface RangePlace extends FeedPlace {
  /** Which of the row's ranges. */
  readonly range: number
  /** Where in the file the piece with the next token begins. */
  readonly offset: number
}

/**
 * Opens training data. Every row reads its own stretch of the data from beginning to end, and again. A document begins
 * with carry 0 where it begins a piece of T tokens; short documents follow each other in one piece while they fit, and
 * the rest of a piece is filled up with weight 0. Conversations to learn replies from always begin a piece.
 */
export async function textDataset(options: TextOptions): Promise<Dataset> {
  const { batch, time, codec, mode = 'pretrain', fields = defaultFields } = options
  if (options.paths.some(isHubName)) return openHub(options, { mode, fields })
  const files = await openCorpus(options.paths, codec, { mode, fields })
  const stretches = await cutRows(files, options)
  const shape = { time, pad: codec.eos[0] ?? 0, pack: mode === 'pretrain' }
  const rows = stretches.map((ranges) =>
    openRow(rangeFeed(files, ranges), shape, { range: 0, offset: ranges[0]!.from, pass: 0 }),
  )
  const sizes = files.map(({ size }) => size)
  return {
    description: `${files.length} files, ${sizes.reduce((a, b) => a + b, 0)} bytes or tokens, ${options.part ?? 'train'}`,
    async next() {
      const out = emptyBatch(batch, time)
      for (const [index, row] of rows.entries()) await row.fill(out, index)
      return out
    },
    epoch: () => Math.min(...rows.map((row) => row.place()?.pass ?? 0)),
    position: () => ({ sizes, rows: rows.map((row) => ({ ...row.place() })) }),
    async seek(position) {
      const saved = checkedPosition(position, sizes, batch)
      // Runs that began before passes were counted are in one that is not known: it counts as the first
      for (const [index, row] of rows.entries()) row.seek({ ...saved[index]!, pass: saved[index]!.pass ?? 0 })
    },
  }
}

async function openHub(options: TextOptions, reading: { mode: Mode; fields: Fields }): Promise<Dataset> {
  const [name, ...more] = options.paths as [string, ...string[]]
  if (more.length > 0)
    throw new DataError(`training data: expected one hub data set and nothing else, got ${options.paths.join(', ')}`)
  const { codec, batch, time, heldOut = 0, part = 'train', split = 'train' } = options
  checkShare(heldOut)
  return hubDataset({ name, split, codec, batch, time, heldOut, part, ...reading })
}

/** The pieces of a row's ranges, again and again. */
function rangeFeed(files: readonly CorpusFile[], ranges: readonly Range[]): Feed<RangePlace> {
  const rangeAt = ({ range }: RangePlace): Range => ranges[range] as Range
  const fileAt = (place: RangePlace): CorpusFile => files[rangeAt(place).file] as CorpusFile
  return {
    about: (place) => fileAt(place).path,
    first: () => Promise.resolve({ range: 0, offset: ranges[0]!.from, pass: 0 }),
    read: (place) => fileAt(place).read(place.offset, rangeAt(place).to),
    async after(place, { next }) {
      if (next < rangeAt(place).to) return { ...place, offset: next }
      const range = (place.range + 1) % ranges.length
      return { range, offset: ranges[range]!.from, pass: place.pass + (range === 0 ? 1 : 0) }
    },
  }
}

/** For each row the ranges that it reads: equal shares of the wanted part of all files laid end to end. */
async function cutRows(files: readonly CorpusFile[], options: TextOptions): Promise<Range[][]> {
  const { batch, heldOut = 0, part = 'train' } = options
  checkShare(heldOut)
  const total = files.reduce((sum, { size }) => sum + size, 0)
  const cut = total * (1 - heldOut)
  const [from, to] = part === 'train' ? [0, cut] : [cut, total]
  const bounds = await Promise.all(
    Array.from({ length: batch + 1 }, (_, i) => locate(files, Math.round(from + ((to - from) * i) / batch))),
  )
  return bounds.slice(1).map((end, i) => {
    const start = bounds[i] as Bound
    const ranges = files.flatMap(({ size }, file) => {
      if (file < start.file || file > end.file) return []
      const range = { file, from: file === start.file ? start.place : 0, to: file === end.file ? end.place : size }
      return range.to > range.from ? [range] : []
    })
    if (ranges.length === 0) {
      throw new DataError(
        `training data: expected enough for ${batch} rows, got ${Math.floor(to - from)} bytes or tokens`,
      )
    }
    return ranges
  })
}

function checkShare(heldOut: number): void {
  if (!(heldOut >= 0 && heldOut < 1)) throw new DataError(`held-out share: expected 0 to below 1, got ${heldOut}`)
}

interface Bound {
  readonly file: number
  readonly place: number
}

/** The file and aligned place of a position in all files laid end to end. */
async function locate(files: readonly CorpusFile[], position: number): Promise<Bound> {
  let before = 0
  for (const [index, file] of files.entries()) {
    if (position < before + file.size) return { file: index, place: await file.align(position - before) }
    before += file.size
  }
  const last = files.length - 1
  return { file: last, place: (files[last] as CorpusFile).size }
}

type SavedPlace = Omit<Place<RangePlace>, 'pass'> & { readonly pass?: number }

function checkedPosition(position: JsonValue, sizes: readonly number[], batch: number): readonly SavedPlace[] {
  const saved = position as unknown as { sizes: number[]; rows: SavedPlace[] }
  if (saved.sizes?.join() !== sizes.join()) {
    throw new DataError(
      `training data: expected files of ${saved.sizes?.join(', ')} bytes or tokens, got ${sizes.join(', ')}`,
    )
  }
  if (saved.rows.length !== batch) {
    throw new DataError(`training data: expected a position of ${batch} rows, got ${saved.rows.length}`)
  }
  return saved.rows
}
