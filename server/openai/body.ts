/** Request bodies: bytes to JSON to a checked request. Whatever is wrong becomes a 400 that names the parameter. */
import type { z } from 'zod'
import { ApiError } from './errors.ts'

/** Bytes of a body or WebSocket message at most: enough for a prompt of the longest length as text. */
export const MAX_BODY_BYTES = 1024 * 1024
/** Deepest legal request has five levels; the limit only keeps hostile ones off the stack. */
const MAX_DEPTH = 32

/** The JSON value of a body. Throws ApiError 400 if it is not UTF-8, not JSON or hostile. */
export function parseJson(bytes: Uint8Array | string): unknown {
  const value = decodeJson(typeof bytes === 'string' ? bytes : decodeText(bytes))
  inspect(value, '', 0)
  return value
}

/** `value` as the schema's output. Throws ApiError 400 naming the first parameter that does not fit. */
export function check<S extends z.ZodType>(schema: S, value: unknown): z.output<S> {
  const result = schema.safeParse(value)
  if (result.success) return result.data
  const issue = deepest(result.error.issues[0] as Issue)
  const param = pathOf(issue.path)
  if (issue.code === 'unrecognized_keys') {
    const name = pathOf([...issue.path, issue.keys[0] as string])
    throw new ApiError(400, 'unknown_parameter', `Unknown parameter: '${clip(name)}'.`, { param: clip(name) })
  }
  const where = param === '' ? 'The request body' : `'${param}'`
  const code =
    issue.code === 'custom' ? ((issue.params?.['code'] as string | undefined) ?? 'invalid_value') : 'invalid_value'
  throw new ApiError(400, code, `${where}: ${issue.message}.`, param === '' ? {} : { param })
}

type Issue = z.core.$ZodIssue

/** Of a union's complaints the one that goes furthest into the value: the branch that was meant. */
function deepest(issue: Issue): Issue {
  if (issue.code !== 'invalid_union') return issue
  const inner = issue.errors.map((branch) => branch[0]).filter((i) => i !== undefined)
  const found = inner.map((i) => deepest({ ...i, path: [...issue.path, ...i.path] }))
  return found.reduce((best, i) => (i.path.length > best.path.length ? i : best), found[0] ?? issue)
}

function pathOf(path: readonly PropertyKey[]): string {
  return path.reduce<string>((text, key) => {
    if (typeof key === 'number') return `${text}[${key}]`
    return text === '' ? String(key) : `${text}.${String(key)}`
  }, '')
}

function clip(name: string): string {
  return name.length > 100 ? `${name.slice(0, 100)}…` : name
}

function decodeText(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (cause) {
    throw new ApiError(400, 'invalid_utf8', 'The request body is not valid UTF-8.', { cause })
  }
}

function decodeJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch (cause) {
    throw new ApiError(400, 'invalid_json', 'The request body is not valid JSON.', { cause })
  }
}

/** Refuses depth, the key `__proto__` and text that is no Unicode. */
function inspect(value: unknown, path: string, depth: number): void {
  if (depth > MAX_DEPTH)
    throw new ApiError(400, 'invalid_json', `The request body is nested deeper than ${MAX_DEPTH} levels.`)
  if (typeof value === 'string' && /\p{Surrogate}/u.test(value)) {
    throw new ApiError(
      400,
      'invalid_unicode',
      `'${clip(path)}': expected Unicode text, got half of a surrogate pair.`,
      { param: clip(path) },
    )
  }
  if (typeof value !== 'object' || value === null) return
  for (const [key, item] of Object.entries(value)) {
    const inner = Array.isArray(value) ? `${path}[${key}]` : path === '' ? key : `${path}.${key}`
    if (key === '__proto__')
      throw new ApiError(400, 'unknown_parameter', `Unknown parameter: '${clip(inner)}'.`, { param: clip(inner) })
    inspect(item, inner, depth + 1)
  }
}
