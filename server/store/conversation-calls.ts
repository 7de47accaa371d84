/** Conversations: the stored turns that go back to one first response, with all their branches. */

export interface Conversation {
  /** Its first response, also where that one was deleted. */
  readonly id: string
  /** Seconds since 1970, of its earliest turn that is stored. */
  readonly created: number
  readonly turns: number
  /** The turn that was stored last. */
  readonly last: {
    readonly response: string
    readonly created: number
    readonly model: string
    /** Tokens that its state has been fed. */
    readonly position: number
  }
}

export interface ConversationCalls {
  /** The conversations of `owner` with the latest turns, of those whose latest turn is earlier than that of `after`. */
  listConversations(owner: string, limit: number, after: string | null): Conversation[]
  findConversation(owner: string, id: string): Conversation | null
}
