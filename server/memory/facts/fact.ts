/** What a user's own sentence says, as it is kept and looked up. No language model takes part in it. */

/** A sentence of a message, where it stands there. */
export interface Sentence {
  readonly text: string
  /** UTF-16 units of the message before it, and up to its end. */
  readonly start: number
  readonly end: number
}

/** What a question asks for, and what a fact is about. */
export interface Topic {
  /** Whose attribute it is: `user`, or somebody or something of theirs, such as `sister` or `the red car`. Lower case. */
  readonly subject: string
  /** Such as `name`, `locker code` or `favorite color`. Lower case, without articles and possessives. */
  readonly attribute: string
}

export interface Fact extends Topic {
  /**
   * As the user wrote it. Of a withdrawn fact the one value that does not hold any more ("I don't live in Turin anymore"), or
   * empty: all values of the topic ("forget my locker code").
   */
  readonly value: string
  /**
   * `told`; `corrected`: it takes the place of what was told before; `withdrawn`: what was told before does not hold any
   * more, or is to be forgotten.
   */
  readonly kind: 'told' | 'corrected' | 'withdrawn'
  /** The sentence that says it. */
  readonly sentence: Sentence
  /** 0 to 1: how sure the rule is that has read it. */
  readonly confidence: number
}

/** What is taken from a user's message. */
export interface Told {
  readonly facts: readonly Fact[]
  /** Statements that no rule has read: kept as they are, and found by their words. Questions and small talk are neither. */
  readonly statements: readonly Sentence[]
}
