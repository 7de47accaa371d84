/** Bytes of replies that are held until they are complete: so many of one, and of all together. */
import { ApiError } from './errors.ts'

export interface HeldReplies {
  /** A reply that begins to be held. */
  hold(): HeldReply
}

export interface HeldReply {
  /** Counts `bytes` more. Throws ApiError when this reply, or all of them, would be too large. */
  add(bytes: number): void
  /** The reply has been sent, or given up. Further calls do nothing. */
  release(): void
}

/** At most `each` bytes of a reply and `all` of all replies. */
export function createHeldReplies(each: number, all: number): HeldReplies {
  let total = 0
  return {
    hold() {
      let held = 0
      let released = false
      return {
        add(bytes) {
          if (released) return
          if (held + bytes > each) {
            const message =
              `The reply grew beyond ${each} bytes. Ask for fewer tokens, choices or log-probabilities, ` +
              'or for a stream of /v1/completions or /v1/chat/completions.'
            throw new ApiError(400, 'reply_too_large', message)
          }
          if (total + bytes > all) {
            const message = 'All replies in work together have grown too large. Try again when some have ended.'
            throw new ApiError(503, 'replies_too_large', message, { retryAfter: 5 })
          }
          held += bytes
          total += bytes
        },
        release() {
          if (released) return
          released = true
          total -= held
        },
      }
    },
  }
}
