/** Calls that are written as JSON: an object with a name and arguments, or a list of them. */
import type { ParsedCall } from './tool-format.ts'

const ARGUMENT_KEYS = ['arguments', 'parameters'] as const

/** The calls in a text that is JSON: an object, a list of objects, or objects in a row. Undefined if it is not. */
export function parseJsonCalls(text: string): ParsedCall[] | undefined {
  const values = jsonValues(text)
  const objects = values?.length === 1 && values[0]?.startsWith('[') ? items(values[0]) : values
  const calls = objects?.map(toCall) ?? []
  const found = calls.filter((call) => call !== undefined)
  return found.length > 0 && found.length === calls.length ? found : undefined
}

/** Whether the text is JSON of an object. */
export function isJsonObject(text: string): boolean {
  const value = parsed(text)
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function toCall(text: string): ParsedCall | undefined {
  if (!isJsonObject(text)) return undefined
  const fields = members(text)
  const inside = fields.get('function')
  // As chat completions write it: {"type": "function", "function": {...}}.
  if (inside !== undefined && !fields.has('name')) return toCall(inside)
  const name = parsed(fields.get('name') ?? '')
  if (typeof name !== 'string' || name === '') return undefined
  const raw = fields.get(ARGUMENT_KEYS.find((key) => fields.has(key)) ?? '') ?? '{}'
  // Some models write the arguments as a text that is JSON.
  const inner = parsed(raw)
  return { name, arguments: typeof inner === 'string' && isJsonObject(inner) ? inner : raw }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return undefined
  }
}

/** Text of the members of an object that is valid JSON: numbers keep all their digits. */
function members(text: string): Map<string, string> {
  const pairs = split(text.trim().slice(1, -1), ',').filter((pair) => pair !== '')
  return new Map(
    pairs.map((pair) => {
      const [key = ''] = split(pair, ':')
      return [
        JSON.parse(key) as string,
        pair
          .slice(pair.indexOf(key) + key.length)
          .replace(/^\s*:/, '')
          .trim(),
      ]
    }),
  )
}

/** Text of the items of a list; undefined if it is not JSON. */
function items(text: string): string[] | undefined {
  return Array.isArray(parsed(text)) ? split(text.trim().slice(1, -1), ',').filter((item) => item !== '') : undefined
}

/** JSON values in a row, with white space, commas or semicolons between them. Undefined if there is other text. */
function jsonValues(text: string): string[] | undefined {
  const trimmed = text.trim()
  if (parsed(trimmed) !== undefined) return [trimmed]
  const values: string[] = []
  for (let rest = trimmed; rest !== '';) {
    const end = endOfValue(rest)
    if (end === 0) return undefined
    values.push(rest.slice(0, end))
    rest = rest.slice(end).replace(/^[\s,;]+/, '')
  }
  return values
}

/** Length of the object or list that the text begins with; 0 if it begins with none that ends. */
function endOfValue(text: string): number {
  if (!/^[{[]/.test(text)) return 0
  let end = 0
  walk(text, (at, depth) => {
    if (depth > 0) return true
    end = at + 1
    return false
  })
  return end
}

/** The parts of a text between separators that are in no string, object or list. */
function split(text: string, separator: string): string[] {
  const parts: string[] = []
  let from = 0
  walk(text, (at, depth) => {
    if (depth === 0 && text[at] === separator) {
      parts.push(text.slice(from, at).trim())
      from = at + 1
    }
    return true
  })
  return [...parts, text.slice(from).trim()]
}

/** Calls `visit` for each character outside of strings with the depth after it, for as long as it returns true. */
function walk(text: string, visit: (at: number, depth: number) => boolean): void {
  let depth = 0
  let quoted = false
  for (let at = 0; at < text.length; at++) {
    const character = text[at] as string
    if (quoted) {
      if (character === '\\') at++
      else if (character === '"') quoted = false
      continue
    }
    if (character === '"') quoted = true
    else if (character === '{' || character === '[') depth++
    else if (character === '}' || character === ']') depth--
    if (!quoted && !visit(at, depth)) return
  }
}
