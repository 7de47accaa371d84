/** One row of a batch of text: documents one after another, cut into pieces of T tokens. */
import { DataError, type Batch } from './batch.ts'
import type { CorpusFile, Piece } from './corpus.ts'

/** A part of a file that a row reads. */
export interface Range {
  readonly file: number
  readonly from: number
  readonly to: number
}

/** Where a row is. */
export interface Place {
  /** Which of the row's ranges. */
  readonly range: number
  /** Where in the file the piece with the next token begins. */
  readonly offset: number
  /** The next token's index in that piece. */
  readonly token: number
  /** Whether the next token continues the document before it. */
  readonly inside: boolean
}

export interface Row {
  /** Fills row `index` of a batch with the next T tokens. */
  fill(out: Batch, index: number): Promise<void>
  place(): Place
  seek(place: Place): Promise<void>
}

/** Opens a row that reads its ranges again and again. */
export function openRow(
  files: readonly CorpusFile[],
  ranges: readonly Range[],
  { time, pad }: { readonly time: number; readonly pad: number },
): Row {
  const rangeAt = (index: number): Range => ranges[index] as Range
  let range = 0
  let offset = rangeAt(0).from
  let token = 0
  let inside = false
  let current: Piece | undefined
  /** The piece after the current one, when its first token was needed as a target. */
  let ahead: Piece | undefined

  const file = (): CorpusFile => files[rangeAt(range).file] as CorpusFile
  const read = (from: number): Promise<Piece> => file().read(from, rangeAt(range).to)

  /** Goes to the first token of the next piece; wraps around at the end of the last range. */
  function advance(piece: Piece): void {
    offset = piece.next
    token = 0
    current = ahead
    ahead = undefined
    if (piece.next < rangeAt(range).to) return
    range = (range + 1) % ranges.length
    offset = rangeAt(range).from
    current = undefined
  }

  /** The piece with the next token; goes over pieces without any. */
  async function piece(): Promise<Piece> {
    const start = { range, offset }
    for (;;) {
      current ??= await read(offset)
      if (token < current.ids.length) return current
      if (current.ends) inside = false
      advance(current)
      if (range === start.range && offset === start.offset)
        throw new DataError(`${file().path}: expected text, found only empty lines`)
    }
  }

  /** The token after the next one, in the same document. */
  async function following(now: Piece): Promise<{ id: number; weight: number } | undefined> {
    if (token + 1 < now.ids.length) return at(now, token + 1)
    if (now.ends) return undefined
    ahead ??= await read(now.next)
    return ahead.ids.length > 0 ? at(ahead, 0) : undefined
  }

  return {
    async fill(out, index) {
      const base = index * time
      out.ids.fill(pad, base, base + time)
      out.targets.fill(pad, base, base + time)
      for (let t = 0; t < time; t++) {
        const now = await piece()
        if (t === 0) out.carry[index] = inside ? 1 : 0
        else if (!inside && !(now.ends && now.ids.length <= time - t)) return
        const next = await following(now)
        out.ids[base + t] = at(now, token).id
        if (next !== undefined) {
          out.targets[base + t] = next.id
          out.weights[base + t] = next.weight
        }
        inside = next !== undefined
        token += 1
        if (token === now.ids.length) advance(now)
      }
      await skipLastToken()
    },
    place: () => ({ range, offset, token, inside }),
    seek(place) {
      ;({ range, offset, token, inside } = place)
      current = undefined
      ahead = undefined
      return Promise.resolve()
    },
  }

  /** A document's last token predicts nothing: at the beginning of a piece there is no use for it. */
  async function skipLastToken(): Promise<void> {
    if (!inside) return
    const now = await piece()
    if (!inside || (await following(now)) !== undefined) return
    token += 1
    inside = false
    if (token === now.ids.length) advance(now)
  }
}

function at({ ids, weights }: Piece, index: number): { id: number; weight: number } {
  return { id: ids[index] as number, weight: weights === undefined ? 1 : (weights[index] as number) }
}
