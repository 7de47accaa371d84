/** One row of a batch of text: documents one after another, cut into pieces of T tokens. */
import { DataError, type Batch } from './batch.ts'
import type { Piece } from './corpus-file.ts'

/** Where a piece of a document is; survives JSON. */
export interface FeedPlace {
  /** How often everything was read before. */
  readonly pass: number
}

/** Where documents come from. */
export interface Feed<P extends FeedPlace> {
  /** In words, for errors. */
  about(place: P): string
  /** Where a new row begins. */
  first(): Promise<P>
  read(place: P): Promise<Piece>
  /** The place after a piece, from the end to the beginning. */
  after(place: P, piece: Piece): Promise<P>
}

/** Where a row is. */
export type Place<P> = P & {
  /** The next token's index in the piece. */
  readonly token: number
  /** Whether the next token continues the document before it. */
  readonly inside: boolean
}

export interface Row<P> {
  /** Fills row `index` of a batch with the next T tokens. */
  fill(out: Batch, index: number): Promise<void>
  /** Undefined before the first piece of a row whose feed decides late. */
  place(): Place<P> | undefined
  seek(place: Place<P> | undefined): void
}

export interface RowOptions {
  readonly time: number
  readonly pad: number
  /** Whether a short document follows another one in the same T tokens, and sees its state. */
  readonly pack: boolean
}

/** Opens a row that reads its feed again and again, from `start` or from where the feed says. */
export function openRow<P extends FeedPlace>(feed: Feed<P>, { time, pad, pack }: RowOptions, start?: P): Row<P> {
  let place = start
  let token = 0
  let inside = false
  let current: Piece | undefined
  /** The piece after the current one, when its first token was needed as a target. */
  let ahead: Piece | undefined

  /** Goes to the first token of the next piece. */
  async function advance(piece: Piece): Promise<void> {
    place = await feed.after(place as P, piece)
    token = 0
    current = ahead
    ahead = undefined
  }

  /** The piece with the next token; goes over pieces without any. */
  async function piece(): Promise<Piece> {
    place ??= await feed.first()
    const start = place.pass
    for (;;) {
      current ??= await feed.read(place)
      if (token < current.ids.length) return current
      if (current.ends) inside = false
      await advance(current)
      if (place.pass > start + 1) throw new DataError(`${feed.about(place)}: expected text, found only empty lines`)
    }
  }

  /** The token after the next one, in the same document. */
  async function following(now: Piece): Promise<{ id: number; weight: number } | undefined> {
    if (token + 1 < now.ids.length) return at(now, token + 1)
    if (now.ends) return undefined
    ahead ??= await feed.read(await feed.after(place as P, now))
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
        else if (!inside && !(pack && now.ends && now.ids.length <= time - t)) return
        const next = await following(now)
        out.ids[base + t] = at(now, token).id
        if (next !== undefined) {
          out.targets[base + t] = next.id
          out.weights[base + t] = next.weight
        }
        inside = next !== undefined
        token += 1
        if (token === now.ids.length) await advance(now)
      }
      await skipLastToken()
    },
    place: () => place && { ...place, token, inside },
    seek(saved) {
      const { token: index = 0, inside: continues = false, ...rest } = saved ?? {}
      place = saved && (rest as unknown as P)
      token = index
      inside = continues
      current = undefined
      ahead = undefined
    },
  }

  /** A document's last token predicts nothing: at the beginning of a piece there is no use for it. */
  async function skipLastToken(): Promise<void> {
    if (!inside) return
    const now = await piece()
    if (!inside || (await following(now)) !== undefined) return
    token += 1
    inside = false
    if (token === now.ids.length) await advance(now)
  }
}

function at({ ids, weights }: Piece, index: number): { id: number; weight: number } {
  return { id: ids[index] as number, weight: weights === undefined ? 1 : (weights[index] as number) }
}
