/** Prompts that wait or are being prefilled, and which of them gets the next chunk. */
import type { PromptSequence } from './sequence.ts'
import type { OwnerClock } from './owner-clock.ts'

/**
 * How much shorter a prompt counts for each token that others were given since it came. With 1/2, a prompt of n tokens
 * goes before every prompt of its owner that comes more than 2n tokens of work later.
 */
const AGEING = 0.5

export class PrefillQueue {
  readonly #clock: OwnerClock
  #prompts: PromptSequence[] = []
  #prefilled = 0

  constructor(clock: OwnerClock) {
    this.#clock = clock
  }

  /** Tokens that have been prefilled in all. */
  get prefilled(): number {
    return this.#prefilled
  }

  get prompts(): readonly PromptSequence[] {
    return this.#prompts
  }

  add(prompt: PromptSequence): void {
    this.#prompts.push(prompt)
  }

  remove(prompt: PromptSequence): void {
    this.#prompts = this.#prompts.filter((other) => other !== prompt)
  }

  /** `tokens` of `prompt` have been computed. */
  advance(prompt: PromptSequence, tokens: number): void {
    prompt.prefilled += tokens
    this.#prefilled += tokens
    this.#clock.charge(prompt.job.owner, tokens)
  }

  /**
   * The prompt to go on with: of the owner that has been given least, the one with the fewest tokens left, where waiting
   * makes a prompt count as shorter. Only prompts that `mayRun`.
   */
  next(mayRun: (prompt: PromptSequence) => boolean): PromptSequence | null {
    let best: PromptSequence | null = null
    for (const prompt of this.#prompts) if (mayRun(prompt) && (!best || this.#isBefore(prompt, best))) best = prompt
    return best
  }

  #isBefore(a: PromptSequence, b: PromptSequence): boolean {
    const owners = this.#clock.given(a.job.owner) - this.#clock.given(b.job.owner)
    if (a.job.owner !== b.job.owner && owners !== 0) return owners < 0
    return this.#length(a) < this.#length(b)
  }

  #length({ tokens, prefilled, cached, arrival }: PromptSequence): number {
    // Tokens of its own do not age a prompt.
    const others = this.#prefilled - arrival - (prefilled - cached)
    return tokens.length - prefilled - AGEING * others
  }
}
