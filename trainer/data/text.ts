/** Text, rows and token shards as training data: B streams side by side, none of them ever wholly in memory. */
import type { TextCodec } from '../../runtime/text.ts'
import { DataError, type Dataset, emptyBatch, type JsonValue } from './batch.ts'
import { type Corpus, openCorpus } from './corpus.ts'
import { defaultFields, type Fields, type Mode } from './document.ts'
import { hubDataset } from './hub/dataset.ts'
import { isHubName } from './hub/name.ts'
import type { ReportProgress } from './progress.ts'
import { rangeFeed, type RangePosition } from './range-feed.ts'
import { resume, type Resumed, savedPosition } from './resume.ts'
import { type Bound, cutStretches, type Part, rangesBetween } from './stretches.ts'
import { openStream, type Stream } from './stream.ts'
import type { TokenFile } from './token-file.ts'

export interface TextOptions {
  /** Files and folders: text, rows, folders written by `mneme tokenize`; or one name of a hub data set. */
  readonly paths: readonly string[]
  readonly codec: TextCodec
  readonly batch: number
  readonly sequenceLength: number
  /** The last part of the data that is kept from training: a share from 0 to below 1. */
  readonly heldOut?: number
  /** Which part to read. */
  readonly part?: Part['part']
  readonly mode?: Mode
  readonly fields?: Fields
  /** Split of a hub data set. */
  readonly split?: string
  /** The folder of the codec's tokenizer, which shards have to be of. */
  readonly tokenizer?: string
  readonly progress?: ReportProgress
}

/** Opens training data, files or a data set of a hub. Throws DataError. */
export async function textDataset(options: TextOptions): Promise<Dataset> {
  const { paths, codec, mode = 'pretrain', fields = defaultFields, tokenizer, progress } = options
  checkShare(options.heldOut ?? 0)
  if (paths.some(isHubName)) return openHub(options, { mode, fields })
  const more = { ...(tokenizer ? { tokenizer } : {}), ...(progress ? { progress } : {}) }
  return corpusDataset(await openCorpus(paths, { codec, reading: { mode, fields }, ...more }), options)
}

/**
 * A part of an open corpus. Every row reads its own stretch of it from beginning to end, and again. A document begins
 * with carry 0 where it begins a piece of T tokens; short documents follow each other in one piece while they fit, and
 * the rest of a piece is filled up with weight 0. Conversations to learn replies from always begin a piece.
 */
export async function corpusDataset(corpus: Corpus, options: Omit<TextOptions, 'paths'>): Promise<Dataset> {
  const { batch, sequenceLength, codec, mode = 'pretrain', heldOut = 0, part = 'train' } = options
  const { files, leftOut } = corpus
  const sizes = files.map(({ size }) => size)
  const pad = codec.eos[0] ?? 0
  const shape = { sequenceLength, pad, pack: mode === 'pretrain' }
  let bounds: readonly Bound[] = await cutStretches(files, batch, { part, heldOut })
  let rows = openRows()

  function openRows(resumed?: Resumed): (Row | undefined)[] {
    return Array.from({ length: batch }, (_, index) => {
      const [start, end] = [bounds[index], bounds[index + 1]]
      const ranges = start && end ? rangesBetween(sizes, start, end) : []
      if (ranges.length === 0) return undefined
      const feed = rangeFeed(files, ranges, resumed?.rows[index]?.read)
      const stream = openStream(feed, shape, { range: 0, offset: ranges[0]!.from, pass: 0 })
      if (resumed) stream.seek(resumed.rows[index]?.position)
      return { stream, saved: () => ({ ...stream.position()!, read: feed.digest(stream.position()!) }) }
    })
  }

  return {
    description: `${sizeText(files)}, ${part}`,
    notes: [...corpus.notes, ...idleNote(rows, part)],
    leftOut: () => leftOut.note(),
    async next() {
      const out = emptyBatch(batch, sequenceLength, pad)
      for (const [index, row] of rows.entries()) await row?.stream.fill(out, index)
      return out
    },
    epoch: () => Math.min(...rows.flatMap((row) => (row ? [row.stream.position()!.pass] : []))),
    position: () =>
      JSON.parse(JSON.stringify({ sizes, bounds, rows: rows.map((row) => row?.saved() ?? null) })) as JsonValue,
    async seek(position) {
      const resumed = await resume(files, savedPosition(position, files.length, batch), bounds, { part, heldOut })
      bounds = resumed.bounds
      rows = openRows(resumed)
    },
  }
}

/** A row of the batch that has something to read. */
interface Row {
  readonly stream: Stream<RangePosition>
  /** Its position, with the digest of what it has read. */
  saved(): object
}

/** `3 files, 12000 bytes`. */
function sizeText(files: readonly TokenFile[]): string {
  const sizes = (['bytes', 'tokens'] as const).flatMap((unit) => {
    const size = files.filter((file) => file.unit === unit).reduce((sum, file) => sum + file.size, 0)
    return size > 0 ? [`${size} ${unit}`] : []
  })
  return [`${files.length} file${files.length === 1 ? '' : 's'}`, ...sizes].join(', ')
}

/** Says how many rows have nothing to read, where some have not. */
function idleNote(rows: readonly (Row | undefined)[], part: Part['part']): string[] {
  const busy = rows.filter((row) => row !== undefined).length
  if (busy === rows.length) return []
  const found = `${busy} of ${rows.length} rows have a document to read, the others are empty`
  if (part === 'heldout') return [`held-out data: ${found}`]
  return [`training data: ${found}; --set batch=${busy} takes less time a step`]
}

async function openHub(options: TextOptions, reading: { mode: Mode; fields: Fields }): Promise<Dataset> {
  const [name, ...more] = options.paths as [string, ...string[]]
  if (more.length > 0)
    throw new DataError(`training data: expected one hub data set and nothing else, got ${options.paths.join(', ')}`)
  const { codec, batch, sequenceLength, heldOut = 0, part = 'train', split = 'train' } = options
  return hubDataset({ name, split, codec, batch, sequenceLength, heldOut, part, ...reading })
}

function checkShare(heldOut: number): void {
  if (!(heldOut >= 0 && heldOut < 1)) throw new DataError(`held-out share: expected 0 to below 1, got ${heldOut}`)
}
