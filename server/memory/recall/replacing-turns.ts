/** The turns around an answer, and which of them takes the place of which. */
import { isOfItsOwn } from '../facts/own-statement.ts'
import { isOfAnotherTime } from '../facts/past.ts'
import { answers, LEAST_SURE } from './answers.ts'
import { hasNewValue, heldPart } from './held-part.ts'
import { holds } from './holds.ts'
import type { Question } from './question.ts'
import { withNext } from './next-sentence.ts'
import { replaces } from './replaces.ts'
import { wordsOf } from '../words.ts'
import type { Memory } from '../../store/memory-calls.ts'
import { isOfElse, isOnTopic } from './of-else.ts'
import type { ReadOf } from '../reader.ts'
import type { Similarity } from '../similarity.ts'

/** How surely a sentence has to take the place of one that was told just before it, or with others between. */
const LEAST = { next: 0.4, later: 0.9, before: 0.6 } as const
/** How surely a sentence answers at least, so that another answer may have corrected it. */
const OF_QUESTION = 0.3
/** From here on both are quoted. */
const MAYBE = 0.3
/** Of a turn that corrects, the sentences that are quoted. */
const SHOWN = 0.1
/** Of a turn that corrects, the sentence counts that has what is asked for, or that rules have read as the correction. */
const [OF_KIND, WITH_VALUE, OF_TOPIC] = [0.5, 0.5, 1]

/** What holds after all turns: null where nothing has taken the answer's place. */
export interface Followed {
  readonly holding: Memory | null
  /** What held before it, first told first. */
  readonly said: readonly string[]
  /** The sentences of its turn that are quoted. */
  readonly shown: readonly string[]
  /** What may have taken its place. */
  readonly also: Memory | null
}

/** A sentence of a later turn, and how surely it takes the place of what was said. */
interface Scored {
  readonly next: Memory
  readonly sure: number
}

export class ReplacingTurns {
  readonly #message: string
  readonly #question: Question
  readonly #turns: readonly (readonly Memory[])[]
  readonly #own: Memory
  readonly #similar: Similarity
  readonly #read: ReadOf
  /** The turn of the answer. */
  readonly #ownAt: number
  /** What the answer itself corrects, and in which turns that was told. */
  readonly #roots: readonly { readonly memory: Memory; readonly at: number }[]

  /** `own` is the memory that answers; it is in one of the turns. */
  constructor(
    message: string,
    question: Question,
    turns: readonly (readonly Memory[])[],
    own: Memory,
    { similar, read }: { readonly similar: Similarity; readonly read: ReadOf },
  ) {
    this.#message = message
    this.#question = question
    this.#turns = turns
    this.#own = own
    this.#similar = similar
    this.#read = read
    this.#ownAt = turns.findIndex((turn) => turn.some((one) => turnOf(one) === turnOf(own)))
    this.#roots = turns
      .slice(0, this.#ownAt)
      .flatMap((turn, at) => turn.filter((one) => this.#corrects(one, at)).map((memory) => ({ memory, at })))
  }

  /** Goes from what was told first to what holds now. `text` is the answer's. */
  follow(text: string): Followed {
    const root = this.#roots[0]
    const said = [root?.memory.text ?? text]
    let found = root?.at ?? this.#ownAt
    const shown = root ? [] : withNext(this.#question, this.#turns[this.#ownAt]!, this.#own.text)
    let followed: Omit<Followed, 'said'> = { holding: null, shown, also: null }
    for (const [at, turn] of this.#turns.entries()) {
      if (at <= found) continue
      // What comes after a correction is not lightly another one.
      const isNext = at === found + 1 && followed.holding === null
      // What holds so far may be replaced as well as what it replaced.
      const before = followed.holding ? [...said, followed.holding.text] : said
      const scored = this.#scored(turn, at, before, isNext, root?.memory ?? this.#own)
      const worth = new Map(scored.map((one) => [one, this.#worth(one, before)]))
      const best = scored.toSorted((a, b) => worth.get(b)! - worth.get(a)!)[0]
      if (!best) continue
      const most = Math.max(0, ...scored.map(({ sure }) => sure))
      if (at !== this.#ownAt && most < (isNext ? LEAST.next : LEAST.later)) {
        if (isNext && most >= MAYBE && !followed.holding) followed = { ...followed, also: best.next }
        continue
      }
      if (followed.holding) said.push(followed.holding.text)
      followed = { holding: best.next, shown: this.#shownOf(turn, scored, best), also: null }
      found = at
    }
    return { ...followed, said }
  }

  /** Whether the answer corrects a memory of turn `at`. */
  #corrects(memory: Memory, at: number): boolean {
    const own = this.#own
    if (memory.ended === own.created) return true
    if (isOfElse(this.#question, memory, own) || isOfElse(this.#question, own, memory)) return false
    // What answers by itself corrects only what answered before.
    if (this.#answers(own.text) >= LEAST_SURE && this.#answers(memory.text) < OF_QUESTION) return false
    return this.#surely(memory.text, this.#turns[this.#ownAt]!, own, at + 1 === this.#ownAt) >= LEAST.before
  }

  #answers(text: string): number {
    return answers(this.#question, { text, topic: null })
  }

  /** How surely `next`, of `turn`, takes the place of what was said. */
  #surely(said: string, turn: readonly Memory[], next: Memory, isNext: boolean): number {
    const [toSaid, toAsked] = [this.#similar(said, next.text), this.#similar(this.#message, next.text)]
    const similarity = toSaid === null || toAsked === null ? null : { said: toSaid, asked: toAsked }
    const earlier = turn.slice(
      0,
      turn.findIndex(({ text }) => text === next.text),
    )
    const before = earlier.map(({ text }) => text).join(' ')
    return replaces(this.#question, said, {
      text: next.text,
      before,
      isNext,
      similarity,
      read: this.#read(said, next.text)?.replaces ?? null,
    })
  }

  /** The sentences of a turn that may take the place of what was said first. */
  #scored(turn: readonly Memory[], at: number, said: readonly string[], isNext: boolean, first: Memory): Scored[] {
    const asked = [...this.#question.words.keys()].join(' ')
    const mayBe = (next: Memory): boolean => {
      if (next.ended !== null || said.every((one) => isOfAnotherTime(one, next.text))) return false
      if ([first, this.#own].some((one) => one !== next && isOfElse(this.#question, one, next))) return false
      // What comes right after is judged by its weights alone.
      return at === this.#ownAt || isNext || !isOfItsOwn(next.text, '', said.join(' '), asked)
    }
    const sureOf = (next: Memory): number => Math.max(...said.map((one) => this.#surely(one, turn, next, isNext)))
    return turn.filter(mayBe).map((next) => ({ next, sure: sureOf(next) }))
  }

  #shownOf(turn: readonly Memory[], scored: readonly Scored[], best: Scored): string[] {
    const needed = withNext(this.#question, turn, best.next.text)
    const isShown = (text: string): boolean =>
      needed.includes(text) || scored.some(({ next, sure }) => next.text === text && sure >= SHOWN)
    return [...new Set(turn.map(({ text }) => text))].filter(isShown)
  }

  /** Which sentence of a correcting turn is the correction. */
  #worth({ next, sure }: Scored, said: readonly string[]): number {
    const { wanted, known } = this.#question
    const shown = heldPart(this.#question, said, next.text)
    const before = said.join(' ')
    const isOfKind = wanted !== null && holds(wanted, shown, new Set([...known, ...wordsOf(before)]))
    const isRead = isOnTopic(
      this.#roots.map(({ memory }) => memory),
      next,
    )
    const hasValue = hasNewValue(`- ${shown}`, before)
    return sure + (isOfKind ? OF_KIND : 0) + (hasValue ? WITH_VALUE : 0) + (isRead ? OF_TOPIC : 0)
  }
}

const turnOf = ({ id, source }: Memory): string => source?.response ?? id

/** Memories by the turns that told them, in order. */
export function turnsOf(memories: readonly Memory[]): Memory[][] {
  const turns = new Map<string, Memory[]>()
  for (const memory of memories) {
    const turn = turnOf(memory)
    turns.set(turn, [...(turns.get(turn) ?? []), memory])
  }
  const place = ({ source }: Memory): number => source?.start ?? 0
  return [...turns.values()].map((turn) => turn.toSorted((a, b) => place(a) - place(b)))
}
