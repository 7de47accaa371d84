/** Notes: what a server remembers of a user, as a model reads it before a turn. */

/** A line of the notes. */
export interface Note {
  /** The user's own sentence. */
  readonly text: string
}

const HEADING = 'Notes about the user from earlier conversations:'

/**
 * The content of the system message that stands before the user's message, or after the conversation's own system
 * message. The newest note comes last; each takes one line, whatever was written in it. Without notes there is no message.
 */
export const notesText = (notes: readonly Note[]): string =>
  [HEADING, ...notes.map(({ text }) => `- ${text.replace(/\s+/g, ' ').trim()}`)].join('\n')
