/** Conversations: the stored turns that go back to one beginning, with all their branches. */

export interface Conversation {
  /** The id it was given when it was made; of one that was not made first, its first response, also where that one was deleted. */
  readonly id: string
  /** Seconds since 1970: when it was made, or its earliest turn that is stored. */
  readonly created: number
  readonly metadata: Readonly<Record<string, string>>
  /** The response on which the next turn in it goes on; null: the next turn is its first. */
  readonly head: string | null
  /** Items that were added to it and that no turn has read yet. */
  readonly added: readonly ConversationItem[]
  readonly turns: number
  /** The turn that was stored last, of any branch; null before the first. */
  readonly last: {
    readonly response: string
    readonly created: number
    readonly model: string
    /** Tokens that its state has been fed. */
    readonly position: number
  } | null
}

/** An item of the Responses API. */
export type ConversationItem = Readonly<Record<string, unknown>>

/** What the next turn in it needs to know. */
export type ConversationEnd = Omit<Conversation, 'turns' | 'last'>

export type NewConversation = Pick<Conversation, 'id' | 'created' | 'metadata' | 'added'>

export interface ConversationChange {
  /** In the place of what was there. */
  readonly metadata?: Readonly<Record<string, string>>
  /** Items that come after those that are there. */
  readonly added?: readonly ConversationItem[]
}

export interface ConversationCalls {
  addConversation(owner: string, conversation: NewConversation): void
  /**
   * The conversations of `owner` with the latest turns, of those whose latest turn is earlier than that of `after`. Those
   * without turns are not among them.
   */
  listConversations(owner: string, limit: number, after: string | null): Conversation[]
  findConversation(owner: string, id: string): Conversation | null
  /** The same, cheaper: its turns are not counted. */
  conversationEnd(owner: string, id: string): ConversationEnd | null
  /** Null where it is not there. */
  changeConversation(owner: string, id: string, change: ConversationChange): Conversation | null
  /** Takes out an item that no turn has read, and overwrites it on disk; returns how many there were. */
  removeAdded(owner: string, id: string, item: string): number
}
