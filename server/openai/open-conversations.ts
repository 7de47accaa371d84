/** In which conversations turns are being made: one at a time in each. */
import { ApiError } from './errors.ts'

/** The conversations in which turns are being made, of all owners. */
export class OpenConversations {
  readonly #open = new Set<string>()

  /** Throws ApiError 409 while another turn is being made in it. OpenAI's clients try again by themselves after a 409. */
  enter(owner: string, id: string): () => void {
    const key = JSON.stringify([owner, id])
    if (this.#open.has(key)) {
      const message = `Conversation '${id.slice(0, 100)}' is still working on a response. Wait for its end.`
      throw new ApiError(409, 'conversation_locked', message, { param: 'conversation' })
    }
    this.#open.add(key)
    return () => void this.#open.delete(key)
  }
}
