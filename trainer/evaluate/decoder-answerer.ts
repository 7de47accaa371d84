/** Holds a conversation with a decoder: greedy replies; a fork shares the state, which is never changed in place. */
import type { Decoder, State } from '../../runtime/decoder.ts'
import type { TextCodec } from '../../runtime/text.ts'
import { feed, generate } from '../run/generate.ts'
import type { Answerer } from './keeper.ts'

/** Longest reply in tokens. */
const LIMIT = 48

export class DecoderAnswerer implements Answerer {
  readonly #decoder: Decoder
  readonly #codec: TextCodec
  #state: State
  #started = false

  constructor(decoder: Decoder, codec: TextCodec) {
    this.#decoder = decoder
    this.#codec = codec
    this.#state = decoder.start(1)
  }

  async reset(): Promise<void> {
    this.#state = this.#decoder.start(1)
    this.#started = false
  }

  async say(user: string): Promise<string> {
    const prompt = await feed(this.#decoder, this.#turn(user), this.#state)
    const { ids, after } = await generate(this.#decoder, this.#codec, prompt, { limit: LIMIT })
    await this.#end(after.state)
    return this.#codec.decode(ids)
  }

  async hear(user: string, reply: string): Promise<void> {
    const prompt = await feed(this.#decoder, [...this.#turn(user), ...this.#codec.encode(reply)], this.#state)
    await this.#end(prompt.state)
  }

  async fork(): Promise<Answerer> {
    const copy = new DecoderAnswerer(this.#decoder, this.#codec)
    copy.#state = this.#state
    copy.#started = this.#started
    return copy
  }

  #turn(user: string): number[] {
    const ids = this.#codec.chat([{ role: 'user', content: user }], { continued: this.#started, generate: true })
    this.#started = true
    return ids
  }

  /** Computes the end token of the reply, which is part of the conversation. */
  async #end(state: State): Promise<void> {
    this.#state = (await feed(this.#decoder, [this.#codec.eos[0]!], state)).state
  }
}
