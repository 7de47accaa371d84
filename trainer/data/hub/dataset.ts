/** A data set of the hub as training data, streamed: its documents are dealt to the rows of a batch as these become free. */
import type { TextCodec } from '../../../runtime/text.ts'
import { DataError, emptyBatch, type Dataset, type JsonValue } from '../batch.ts'
import { type Fields, type Mode, tokensOf } from '../document.ts'
import { LeftOut } from '../left-out.ts'
import { type Feed, type FeedPosition, openStream, type StreamPosition } from '../stream.ts'
import { type HubOptions, hubOptions } from './client.ts'
import { openHubRows, type RowPlace } from './rows.ts'

export interface HubDataOptions {
  readonly name: string
  readonly split: string
  readonly mode: Mode
  readonly fields: Fields
  readonly codec: TextCodec
  readonly batch: number
  readonly sequenceLength: number
  /** Share of the documents, spread evenly, that is kept from training. */
  readonly heldOut: number
  readonly part: 'train' | 'heldout'
  readonly hub?: HubOptions
}

interface DocumentPosition extends RowPlace, FeedPosition {}

/** The document that is dealt next. */
interface Deal extends DocumentPosition {
  /** How many of this pass came before it. */
  readonly index: number
}

interface Position {
  readonly commit: string
  readonly next: Deal
  readonly rows: readonly (StreamPosition<DocumentPosition> | null)[]
}

const beginning: Deal = { file: 0, at: 0, pass: 0, index: 0 }

/**
 * Opens a split at the commit that its revision now is. One group of rows of one file is in memory at a time; a position
 * is the commit and places of documents, so that a run goes on with the same data after the revision has moved.
 */
export async function hubDataset(options: HubDataOptions): Promise<Dataset> {
  const { name, split, mode, fields, codec, batch, sequenceLength, heldOut, part } = options
  const leftOut = new LeftOut()
  const source = { name, split, reading: { mode, fields }, hub: options.hub ?? hubOptions(process.env), leftOut }
  let rows = await openHubRows(source)
  let deal = beginning

  /** Takes the next document of the part. */
  async function take(): Promise<DocumentPosition> {
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

  const feed: Feed<DocumentPosition> = {
    about: ({ file }) => `${name}: ${rows.files[file]}`,
    leftOut: () => leftOut.note(),
    first: take,
    async read(place) {
      const { document } = await rows.read(place)
      const piece = { ids: [], next: 0, ends: true }
      if (document === undefined) return piece
      try {
        return { ...piece, ...tokensOf(document, mode, codec) }
      } catch (problem) {
        leftOut.add(`${rows.files[place.file]}: ${place.at}`, problem)
        return piece
      }
    },
    after: take,
  }
  const shape = { sequenceLength, pad: codec.eos[0] ?? 0, pack: mode === 'pretrain' }
  const streams = Array.from({ length: batch }, () => openStream(feed, shape))
  return {
    description: `${name} at ${rows.commit.slice(0, 12)}, split ${split}, ${rows.files.length} files, ${part}`,
    async next() {
      const out = emptyBatch(batch, sequenceLength)
      for (const [index, stream] of streams.entries()) await stream.fill(out, index)
      return out
    },
    leftOut: () => leftOut.note(),
    epoch: () => Math.min(...streams.map((stream) => stream.position()?.pass ?? 0)),
    position: () => ({
      commit: rows.commit,
      next: { ...deal },
      rows: streams.map((stream) => stream.position() ?? null) as unknown as JsonValue,
    }),
    async seek(position) {
      const saved = checkedPosition(name, position, batch)
      if (saved.commit !== rows.commit) rows = await openHubRows({ ...source, commit: saved.commit })
      deal = saved.next
      for (const [index, stream] of streams.entries()) stream.seek(saved.rows[index] ?? undefined)
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
