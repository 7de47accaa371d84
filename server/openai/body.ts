/** Request bodies: bytes to JSON to a checked request. Whatever is wrong becomes a 400 that names the parameter. */
import type { z } from 'zod'
import { ApiError } from './errors.ts'
import { requireBounds } from './json-bounds.ts'

/** The JSON value of a body. Throws ApiError 400 if it is not UTF-8, not JSON or hostile. */
export function parseJson(bytes: Uint8Array | string): unknown {
  const text = typeof bytes === 'string' ? bytes : decodeText(bytes)
  const value = decodeJson(text)
  requireBounds(value)
  return value
}

/** `value` as the schema's output. Throws ApiError 400 naming the first parameter that does not fit. */
export function check<S extends z.ZodType>(schema: S, value: unknown): z.output<S> {
  const result = schema.safeParse(value)
  if (result.success) return result.data
  const issue = meant(result.error.issues[0] as Issue)
  const param = clip(pathOf(issue.path))
  if (issue.code === 'unrecognized_keys') {
    const name = clip(pathOf([...issue.path, issue.keys[0] as string]))
    throw new ApiError(400, 'unknown_parameter', `Unknown parameter: '${name}'.`, { param: name })
  }
  if (param !== '' && valueAt(value, issue.path) === undefined) {
    throw new ApiError(400, 'missing_parameter', `Missing parameter: '${param}'.`, { param })
  }
  const where = param === '' ? 'The request body' : `'${param}'`
  const code =
    issue.code === 'custom' ? ((issue.params?.['code'] as string | undefined) ?? 'invalid_value') : 'invalid_value'
  throw new ApiError(400, code, `${where}: ${issue.message}.`, param === '' ? {} : { param })
}

type Issue = z.core.$ZodIssue

/**
 * Of a union's complaints the one about the branch that was meant: the one that goes furthest into the value, and of
 * two that go equally far the one that is not about the wrong type.
 */
function meant(issue: Issue): Issue {
  if (issue.code !== 'invalid_union') return issue
  const inner = issue.errors.map((branch) => branch[0]).filter((i) => i !== undefined)
  const found = inner.map((i) => meant({ ...i, path: [...issue.path, ...i.path] }))
  const better = (a: Issue, b: Issue): boolean =>
    a.path.length > b.path.length ||
    (a.path.length === b.path.length && b.code === 'invalid_type' && a.code !== 'invalid_type')
  return found.reduce((best, i) => (better(i, best) ? i : best), found[0] ?? issue)
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>((inner, key) => (inner as Record<PropertyKey, unknown> | null | undefined)?.[key], value)
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
