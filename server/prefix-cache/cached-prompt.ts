/** One prompt and the prefix cache: what it goes on from, and the prefixes that it leaves. */
import { withEarlierPages, type Checkpoint } from '../checkpoint.ts'
import type { DoneEvent, SnapshotEvent } from '../engine/messages.ts'
import { joinCalls } from '../engine/prefill-calls.ts'
import type { PrefixCache, PrefixOptions } from './prefix-cache.ts'
import { promptAfter, type Prefix, type PrefixHit, type Scope } from './prefix.ts'

/** The ids that a prompt's last tokens and a reply have when they are encoded as one text; null where that is unknown. */
export type Reencode = (prompt: readonly number[], reply: readonly number[]) => Promise<readonly number[] | null>

/** Tokens of a prompt that are encoded again with its reply: more than the tokenizer looks at. */
const TAIL_TOKENS = 96

export class CachedPrompt {
  /** The prompt's tokens as its client would send them again. */
  readonly #sent: readonly number[]
  /** What the model is fed: the same, but for replies that were sampled as other tokens. */
  readonly tokens: readonly number[]
  readonly hit: PrefixHit | null
  readonly #cache: PrefixCache
  readonly #scope: Scope
  readonly #options: PrefixOptions
  readonly #reencode: Reencode
  /** The last prefix of the prompt: the states of later ones share its pages. */
  #last: Prefix | null
  readonly #stored: Promise<void>[] = []
  readonly #replies = new Map<number, SnapshotEvent>()

  private constructor(
    cache: PrefixCache,
    scope: Scope,
    options: PrefixOptions,
    reencode: Reencode,
    sent: readonly number[],
    hit: PrefixHit | null,
  ) {
    this.#cache = cache
    this.#scope = scope
    this.#options = options
    this.#reencode = reencode
    this.#sent = sent
    this.hit = hit
    this.tokens = hit ? promptAfter(hit, sent) : sent
    this.#last = hit?.prefix ?? null
  }

  /** Looks the prompt up. */
  static async open(
    cache: PrefixCache,
    scope: Scope,
    options: PrefixOptions,
    reencode: Reencode,
    sent: readonly number[],
  ): Promise<CachedPrompt> {
    return new CachedPrompt(cache, scope, options, reencode, sent, await cache.find(scope, sent, options))
  }

  get durable(): boolean {
    return this.#options.durable
  }

  /** Tokens that are not computed. */
  get cached(): number {
    return this.hit?.prefix.position ?? 0
  }

  /** What the engine goes on from. */
  get from(): Checkpoint | null {
    return this.hit && { state: this.hit.prefix.state, position: this.cached, pending: [] }
  }

  /** Keeps a state that the engine has handed out; one of a reply is kept once the reply is known. */
  take(event: SnapshotEvent): void {
    if (event.choice !== null) {
      this.#replies.set(event.choice, event)
      return
    }
    const prefix = this.#prefixOf(event, this.#isAsSent ? null : this.tokens.slice(0, event.position))
    const tokens = this.#sent.slice(0, event.position - this.tokens.length + this.#sent.length)
    this.#last = this.#keep(tokens, prefix)
  }

  /** Keeps the state of a reply that is over. Resolves once everything is on disk that is to be there. */
  async finish({ choice, generated, reason }: DoneEvent): Promise<void> {
    const event = this.#replies.get(choice)
    if (!event) return
    this.#replies.delete(choice)
    // The last token is never fed. The one that ends a reply by itself is the template's, not the text's.
    const fed = generated.slice(0, -1)
    const spoken = reason === 'eos' ? fed : generated
    const work = this.#keyOf(spoken).then((encoded) => {
      const asFed = this.#isAsSent && (encoded === null || isSame(encoded, [...this.#sent, ...spoken]))
      if (asFed || encoded === null) {
        const tokens = this.#isAsSent ? null : [...this.tokens, ...fed]
        this.#keep([...this.#sent, ...fed], this.#prefixOf(event, tokens))
      } else this.#keep(encoded, this.#prefixOf(event, [...this.tokens, ...spoken]))
    })
    this.#cache.settleFirst(this.#scope, work)
    await work
    await Promise.all(this.#stored)
  }

  get #isAsSent(): boolean {
    return this.tokens === this.#sent
  }

  #keep(tokens: readonly number[], prefix: Prefix): Prefix {
    const kept = this.#cache.keep(this.#scope, tokens, prefix, this.#last, this.#options)
    this.#stored.push(kept.stored)
    return kept.prefix
  }

  #prefixOf({ position, calls, choice, state }: SnapshotEvent, tokens: readonly number[] | null): Prefix {
    return {
      tokens,
      position,
      calls: joinCalls(this.hit?.prefix.calls ?? [], calls),
      afterReply: choice !== null,
      state: withEarlierPages(state, this.#last?.state ?? null),
    }
  }

  /** The tokens that a client makes of the prompt and the reply when it sends both; null where that is unknown. */
  async #keyOf(reply: readonly number[]): Promise<readonly number[] | null> {
    const head = Math.max(0, this.#sent.length - TAIL_TOKENS)
    const tail = await this.#reencode(this.#sent.slice(head), reply).catch(() => null)
    return tail && [...this.#sent.slice(0, head), ...tail]
  }
}

function isSame(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((id, at) => id === b[at])
}
