/** How a model is shown what is remembered of its user: adapters that read notes are trained on exactly this text. */

const HEAD = 'Notes about the user from earlier conversations:'

/** Longer ones are cut: an entry is a sentence or two. */
const MAX_ENTRY = 600

/** Entries as one text, in the order in which they were told. Line breaks within an entry are spaces. */
export function notesText(entries: readonly { readonly text: string }[]): string {
  const lines = entries.map(({ text }) => `- ${text.replaceAll(/\s+/g, ' ').trim().slice(0, MAX_ENTRY)}`)
  return [HEAD, ...lines].join('\n')
}
