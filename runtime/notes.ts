/** How a model is shown what is remembered of its user: adapters that read notes are trained on exactly this text. */

const HEAD = 'Notes about the user from earlier conversations:'

/** Longer ones are cut: an entry is a sentence or two. */
const MAX_ENTRY = 600

const FILES = 'Passages from files:'

/** Longer ones are cut: a passage is a few sentences. */
const MAX_PASSAGE = 1600

/** Passages of files as one text, each with the name of its file. Line breaks within one are spaces. */
export function passagesText(passages: readonly { readonly name: string; readonly text: string }[]): string {
  const lines = passages.map(({ name, text }) => `- ${inLine(name, MAX_ENTRY)}: ${inLine(text, MAX_PASSAGE)}`)
  return [FILES, ...lines].join('\n')
}

/** Also U+0085, a line break that is no white space to regular expressions, and what moves a terminal's cursor. */
function inLine(text: string, most: number): string {
  return text
    .replaceAll(/[\s\p{Cc}]+/gu, ' ')
    .trim()
    .slice(0, most)
}

/** Entries as one text, in the order in which they were told. Line breaks within an entry are spaces. */
export function notesText(entries: readonly { readonly text: string }[]): string {
  const lines = entries.map(({ text }) => `- ${inLine(text, MAX_ENTRY)}`)
  return [HEAD, ...lines].join('\n')
}
