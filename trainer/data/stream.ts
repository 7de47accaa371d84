/** One row of a batch: an endless stream of documents, cut into pieces of T tokens. */
import { type Batch, DataError } from './batch.ts'
import type { Piece } from './token-file.ts'

/** Where a piece of a document is; survives JSON. */
export interface FeedPosition {
  /** How often everything was read before. */
  readonly pass: number
}

/** Where documents come from. */
export interface Feed<P extends FeedPosition> {
  /** In words, for errors. */
  about(position: P): string
  /** Where a new stream begins. */
  first(): Promise<P>
  read(position: P): Promise<Piece>
  /** The position after a piece; after the last one that of the first, with one more pass. */
  after(position: P, piece: Piece): Promise<P>
  /** What was left out so far, in words. */
  leftOut?(): string | undefined
  /** Called when the stream goes from a piece to the next one, which is given where it was read already. */
  passed?(piece: Piece, next: P, ahead: Piece | undefined): void
}

/** Where a stream is. */
export type StreamPosition<P> = P & {
  /** The next token's index in the piece. */
  readonly token: number
  /** Whether the next token continues the document before it. */
  readonly inside: boolean
}

export interface Stream<P> {
  /** Fills row `index` of a batch with the next T tokens. */
  fill(out: Batch, index: number): Promise<void>
  /** Undefined before the first piece of a stream whose feed decides late. */
  position(): StreamPosition<P> | undefined
  seek(position: StreamPosition<P> | undefined): void
}

export interface StreamOptions {
  readonly sequenceLength: number
  readonly pad: number
  /** Whether a short document follows another one of its pass in the same T tokens, and sees its state. */
  readonly pack: boolean
}

/** Opens a stream that reads its feed again and again, from `start` or from where the feed says. */
export function openStream<P extends FeedPosition>(
  feed: Feed<P>,
  { sequenceLength, pad, pack }: StreamOptions,
  start?: P,
): Stream<P> {
  let position = start
  let token = 0
  let inside = false
  let current: Piece | undefined
  /** The piece after the current one, when its first token was needed as a target. */
  let ahead: Piece | undefined

  /** Goes to the first token of the next piece. */
  async function advance(piece: Piece): Promise<void> {
    position = await feed.after(position as P, piece)
    feed.passed?.(piece, position, ahead)
    token = 0
    current = ahead
    ahead = undefined
  }

  /** The piece with the next token; goes over pieces without any. */
  async function nextPiece(): Promise<Piece> {
    position ??= await feed.first()
    const start = position.pass
    for (;;) {
      current ??= await feed.read(position)
      if (token < current.ids.length) return current
      if (current.ends) inside = false
      await advance(current)
      if (position.pass > start + 1) {
        const why = feed.leftOut?.()
        throw new DataError(
          `${feed.about(position)}: expected text, found nothing that can be used${why ? `: ${why}` : ''}`,
        )
      }
    }
  }

  /** The token after the next one, in the same document. */
  async function following(piece: Piece): Promise<{ id: number; weight: number } | undefined> {
    if (token + 1 < piece.ids.length) return at(piece, token + 1)
    if (piece.ends) return undefined
    ahead ??= await feed.read(await feed.after(position as P, piece))
    return ahead.ids.length > 0 ? at(ahead, 0) : undefined
  }

  return {
    async fill(out, index) {
      const base = index * sequenceLength
      out.ids.fill(pad, base, base + sequenceLength)
      out.targets.fill(pad, base, base + sequenceLength)
      let pass = 0
      for (let t = 0; t < sequenceLength; t++) {
        const piece = await nextPiece()
        const room = sequenceLength - t
        if (t === 0) {
          out.carry[index] = inside ? 1 : 0
          pass = position!.pass
        } else if (!inside && !(pack && position!.pass === pass && piece.ends && piece.ids.length <= room)) return
        const next = await following(piece)
        out.ids[base + t] = at(piece, token).id
        if (next !== undefined) {
          out.targets[base + t] = next.id
          out.weights[base + t] = next.weight
        }
        inside = next !== undefined
        token += 1
        if (token === piece.ids.length) await advance(piece)
      }
      await skipLastToken()
    },
    position: () => position && { ...position, token, inside },
    seek(saved) {
      const { token: index = 0, inside: continues = false, ...rest } = saved ?? {}
      position = saved && (rest as unknown as P)
      token = index
      inside = continues
      current = undefined
      ahead = undefined
    },
  }

  /** A document's last token predicts nothing: at the beginning of a piece there is no use for it. */
  async function skipLastToken(): Promise<void> {
    if (!inside) return
    const piece = await nextPiece()
    if (!inside || (await following(piece)) !== undefined) return
    token += 1
    inside = false
    if (token === piece.ids.length) await advance(piece)
  }
}

function at({ ids, weights }: Piece, index: number): { id: number; weight: number } {
  return { id: ids[index] as number, weight: weights === undefined ? 1 : (weights[index] as number) }
}
