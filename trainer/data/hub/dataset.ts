/** A data set of the hub as training data, streamed: its documents are dealt to the rows of a batch as these become free. */
import type { TextCodec } from '../../../runtime/text.ts'
import { DataError, emptyBatch, type Dataset, type JsonValue } from '../batch.ts'
import { type Fields, type Mode, tokensOf } from '../document.ts'
import { type Feed, type FeedPlace, openRow, type Place } from '../row.ts'
import { type HubOptions, hubOptions } from './client.ts'
import { openHubRows, type RowPlace } from './rows.ts'

export interface HubDataOptions {
  readonly name: string
  readonly split: string
  readonly mode: Mode
  readonly fields: Fields
  readonly codec: TextCodec
  readonly batch: number
  readonly time: number
  /** Share of the documents, spread evenly, that is kept from training. */
  readonly heldOut: number
  readonly part: 'train' | 'heldout'
  readonly hub?: HubOptions
}

interface DocumentPlace extends RowPlace, FeedPlace {}

/** The document that is dealt next. */
interface Deal extends DocumentPlace {
  /** How many of this pass came before it. */
  readonly index: number
}

interface Position {
  readonly commit: string
  readonly next: Deal
  readonly rows: readonly (Place<DocumentPlace> | null)[]
}

const beginning: Deal = { file: 0, at: 0, pass: 0, index: 0 }

/**
 * Opens a split at the commit that its revision now is. One group of rows of one file is in memory at a time; a position
 * is the commit and places of documents, so that a run goes on with the same data after the revision has moved.
 */
export async function hubDataset(options: HubDataOptions): Promise<Dataset> {
  const { name, split, mode, fields, codec, batch, time, heldOut, part } = options
  const source = { name, split, reading: { mode, fields }, hub: options.hub ?? hubOptions(process.env) }
  let rows = await openHubRows(source)
  let deal = beginning

  /** Takes the next document of the part. */
  async function take(): Promise<DocumentPlace> {
    const start = deal.pass
    for (;;) {
      const { index, ...place } = deal
      const { next } = await rows.read(place)
      deal = next ? { ...next, pass: place.pass, index: index + 1 } : { ...beginning, pass: place.pass + 1 }
      if (isHeldOut(index, heldOut) === (part === 'heldout')) return place
      if (deal.pass > start + 1)
        throw new DataError(`${name}: expected documents in the ${part} part of split ${split}, found none`)
    }
  }

  const feed: Feed<DocumentPlace> = {
    about: ({ file }) => `${name}: ${rows.files[file]}`,
    first: take,
    async read(place) {
      const { document } = await rows.read(place)
      const tokens = document === undefined ? { ids: [] } : tokensOf(document, mode, codec)
      return { ...tokens, next: 0, ends: true }
    },
    after: take,
  }
  const shape = { time, pad: codec.eos[0] ?? 0, pack: mode === 'pretrain' }
  const lanes = Array.from({ length: batch }, () => openRow(feed, shape))
  return {
    description: `${name} at ${rows.commit.slice(0, 12)}, split ${split}, ${rows.files.length} files, ${part}`,
    async next() {
      const out = emptyBatch(batch, time)
      for (const [index, lane] of lanes.entries()) await lane.fill(out, index)
      return out
    },
    epoch: () => Math.min(...lanes.map((lane) => lane.place()?.pass ?? 0)),
    position: () => ({
      commit: rows.commit,
      next: { ...deal },
      rows: lanes.map((lane) => lane.place() ?? null) as unknown as JsonValue,
    }),
    async seek(position) {
      const saved = checkedPosition(name, position, batch)
      if (saved.commit !== rows.commit) rows = await openHubRows({ ...source, commit: saved.commit })
      deal = saved.next
      for (const [index, lane] of lanes.entries()) lane.seek(saved.rows[index] ?? undefined)
    },
  }
}

/** Every tenth one where the share is 0.1. */
function isHeldOut(index: number, share: number): boolean {
  return Math.floor((index + 1) * share) > Math.floor(index * share)
}

function checkedPosition(name: string, position: JsonValue, batch: number): Position {
  const saved = position as unknown as Position
  if (typeof saved.commit !== 'string' || saved.rows.length !== batch)
    throw new DataError(`${name}: expected a position of ${batch} rows in a data set of the hub`)
  return saved
}
