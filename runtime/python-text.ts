/** Text as Python writes it, for templates that print lists and dictionaries. */

/** Returns Python's repr() of a value of the template language. */
export function pythonRepr(value: unknown): string {
  if (value === null || value === undefined) return 'None'
  if (typeof value === 'boolean') return value ? 'True' : 'False'
  if (typeof value === 'string') return quoted(value)
  if (Array.isArray(value)) return `[${value.map((item) => pythonRepr(inner(item))).join(', ')}]`
  if (value instanceof Map) {
    const entries = [...(value as Map<string, unknown>)]
    return `{${entries.map(([key, item]) => `${quoted(key)}: ${pythonRepr(inner(item))}`).join(', ')}}`
  }
  return typeof value === 'number' ? value.toString() : ''
}

// The template language wraps each value in an object with the field `value`.
function inner(item: unknown): unknown {
  return (item as { value: unknown }).value
}

const ESCAPES: Readonly<Record<string, string>> = { '\\': '\\\\', '\n': '\\n', '\r': '\\r', '\t': '\\t' }

function quoted(text: string): string {
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'"
  const escaped = text.replaceAll(/[\\\n\r\t]|\p{Cc}/gu, (character) => {
    return ESCAPES[character] ?? `\\x${(character.codePointAt(0) ?? 0).toString(16).padStart(2, '0')}`
  })
  return quote + (quote === "'" ? escaped.replaceAll("'", "\\'") : escaped) + quote
}
