/** The text of one reply while it grows: UTF-8 boundaries, stop strings, end of sequence, log-probabilities. */
import type { TextCodec } from '../../runtime/text.ts'
import { marked, unmarkable } from '../../runtime/reply/mark.ts'
import type { FinishReason, ReplyMarks, TokenLogprob } from './messages.ts'
import type { Draw } from './sampler.ts'
import { createStopFilter, type StopFilter } from './stop-filter.ts'

export interface Progress {
  readonly text: string
  readonly tokens: TokenLogprob[]
  readonly finished: FinishReason | null
}

/** What the reply needs to know of its turn. */
export interface ReplyLimits {
  readonly maxTokens: number
  readonly stop: readonly string[]
  readonly logprobs: boolean
  readonly marks?: ReplyMarks
}

export class Reply {
  readonly generated: number[] = []
  /** The end token, if log-probabilities were asked for: it has no text to come with. */
  end: TokenLogprob | null = null
  readonly #codec: TextCodec
  readonly #limits: ReplyLimits
  readonly #detokenizer: ReturnType<TextCodec['detokenizer']>
  readonly #filter: StopFilter
  readonly #marks: ReadonlyMap<number, string>
  /** Tokens whose text has not been shown yet, with the place in the text where each begins. */
  readonly #unshown: { token: TokenLogprob; at: number }[] = []
  #decoded = 0
  #shown = 0

  constructor(codec: TextCodec, limits: ReplyLimits) {
    this.#codec = codec
    this.#limits = limits
    this.#detokenizer = codec.detokenizer()
    this.#filter = createStopFilter(limits.stop)
    this.#marks = new Map((limits.marks?.tokens ?? []).map(({ id, text }) => [id, text]))
  }

  /** Takes the next sampled token; returns what may be shown now and whether the reply is over. */
  push(draw: Draw): Progress {
    this.generated.push(draw.id)
    if (this.#codec.eos.includes(draw.id)) {
      if (this.#limits.logprobs) this.end = describeToken(this.#codec, draw)
      return this.#end('eos')
    }
    if (this.#limits.logprobs) this.#unshown.push({ token: describeToken(this.#codec, draw), at: this.#decoded })
    const mark = this.#marks.get(draw.id)
    const { text, stopped } = mark === undefined ? this.#take(this.#detokenizer.push(draw.id)) : this.#mark(mark)
    if (stopped !== null) return { text, tokens: this.#release(true), finished: 'stop' }
    if (this.#limits.marks?.last.includes(draw.id))
      return { text, tokens: this.#release(false, true), finished: 'stop' }
    if (this.generated.length < this.#limits.maxTokens) {
      return { text, tokens: text === '' ? [] : this.#release(false), finished: null }
    }
    const rest = this.#end('length')
    return { ...rest, text: text + rest.text }
  }

  /** The last text: an unfinished character is dropped, an unfinished stop string was none. */
  #end(reason: FinishReason): Progress {
    const { text, stopped } = this.#take(this.#detokenizer.flush())
    if (stopped !== null) return { text, tokens: this.#release(true), finished: 'stop' }
    const rest = this.#filter.flush()
    this.#shown += rest.length
    return { text: text + rest, tokens: this.#release(false, true), finished: reason }
  }

  /** A token with a meaning is no part of a stop string, and ends what could have become one. */
  #mark(token: string): { text: string; stopped: null } {
    const text = this.#filter.flush() + marked(token)
    this.#decoded += marked(token).length
    this.#shown += text.length
    return { text, stopped: null }
  }

  #take(piece: string): { text: string; stopped: string | null } {
    this.#decoded += piece.length
    const taken = this.#filter.push(this.#marks.size > 0 ? unmarkable(piece) : piece)
    this.#shown += taken.text.length
    return taken
  }

  /** Tokens that begin in the shown text; with `stopped` the others are dropped, with `all` none is kept back. */
  #release(stopped: boolean, all = false): TokenLogprob[] {
    const count = all ? this.#unshown.length : this.#unshown.filter(({ at }) => at < this.#shown).length
    const released = this.#unshown.splice(0, count).map(({ token }) => token)
    if (stopped) this.#unshown.length = 0
    return released
  }
}

/** A token with its bytes and its alternatives'. */
export function describeToken(codec: TextCodec, draw: Draw): TokenLogprob {
  const { id, logprob, top } = draw
  return {
    id,
    logprob,
    bytes: codec.bytes(id),
    top: top.map((t) => ({ bytes: codec.bytes(t.id), logprob: t.logprob })),
  }
}
