/** Bounds of a JSON value that hold before any schema looks at it, so that checking a body takes a bounded time. */
import { ApiError } from './errors.ts'

/** The deepest legal request has seven levels. */
const MAX_DEPTH = 32
/** Items of one list: the tokens of the longest prompt. */
const MAX_ITEMS = 131_072
/** Objects in all: messages and their parts. */
const MAX_OBJECTS = 16_384
/** Keys of one object: logit_bias has the most. */
const MAX_KEYS = 2_048

/** Throws ApiError 400 for what is too deep or too long, the key `__proto__`, and text that is not Unicode. */
export function requireBounds(value: unknown): void {
  visit(value, { objects: 0, path: [] })
}

interface Walk {
  objects: number
  /** Keys and indices from the body down to where the walk is. */
  readonly path: (string | number)[]
}

function visit(value: unknown, walk: Walk): void {
  if (typeof value === 'string') return requireUnicode(value, walk)
  if (typeof value !== 'object' || value === null) return
  if (walk.path.length > MAX_DEPTH) throw invalid(`The request body is nested deeper than ${MAX_DEPTH} levels.`)
  if (Array.isArray(value)) visitList(value, walk)
  else visitObject(value as Record<string, unknown>, walk)
}

function visitList(items: readonly unknown[], walk: Walk): void {
  if (items.length > MAX_ITEMS) {
    throw tooLong(walk, `a list has at most ${MAX_ITEMS} items, got ${items.length}`)
  }
  for (let i = 0; i < items.length; i++) {
    walk.path.push(i)
    visit(items[i], walk)
    walk.path.pop()
  }
}

function visitObject(object: Record<string, unknown>, walk: Walk): void {
  if (++walk.objects > MAX_OBJECTS) {
    throw tooLong(walk, `a request has at most ${MAX_OBJECTS} objects: messages, items and their parts`)
  }
  const keys = Object.keys(object)
  if (keys.length > MAX_KEYS) throw tooLong(walk, `an object has at most ${MAX_KEYS} keys, got ${keys.length}`)
  for (const key of keys) {
    walk.path.push(key)
    if (key === '__proto__') {
      const name = nameOf(walk.path)
      throw new ApiError(400, 'unknown_parameter', `Unknown parameter: '${name}'.`, { param: name })
    }
    visit(object[key], walk)
    walk.path.pop()
  }
}

function requireUnicode(text: string, { path }: Walk): void {
  if (!/\p{Surrogate}/u.test(text)) return
  const param = nameOf(path)
  const message = `'${param}': expected Unicode text, got half of a surrogate pair.`
  throw new ApiError(400, 'invalid_unicode', message, { param })
}

function tooLong({ path }: Walk, what: string): ApiError {
  const param = nameOf(path)
  if (param === '') return invalid(`The request body: ${what}.`)
  return new ApiError(400, 'too_many_items', `'${param}': ${what}.`, { param })
}

function invalid(message: string): ApiError {
  return new ApiError(400, 'invalid_json', message)
}

function nameOf(path: readonly (string | number)[]): string {
  const name = path.map((key) => (typeof key === 'number' ? `[${key}]` : `.${key}`)).join('')
  return name.replace(/^\./, '').slice(0, 100)
}
