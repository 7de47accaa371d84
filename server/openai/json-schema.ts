/**
 * Checks a value against a JSON schema: types, enum and const, required and further properties, items, bounds, and
 * combinations. `pattern` and `format` are not checked: a client's regular expression could stop the server.
 */
import type { Json } from '../../runtime/text.ts'

type JsonObject = { readonly [key: string]: Json }

/** Schemas and values may be nested so deep, references followed. */
const MAX_DEPTH = 64
/** Schemas that are looked at for one value: references that branch could make it any number. */
const MAX_STEPS = 30_000

/** Says where the value does not fit and what was expected there; null if it fits. */
export function schemaProblem(value: Json, schema: Json): string | null {
  return new Checker(schema).check(value, schema, '', 0)
}

export function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

class Checker {
  readonly #root: Json
  #steps = 0

  constructor(root: Json) {
    this.#root = root
  }

  check(value: Json, schema: Json | undefined, path: string, depth: number): string | null {
    if (schema === false) return `${nameOf(path)}: expected nothing`
    if (!isObject(schema)) return null
    if (++this.#steps > MAX_STEPS) return 'the arguments: expected a schema that is checked faster'
    if (depth > MAX_DEPTH) return `${nameOf(path)}: expected at most ${MAX_DEPTH} levels`
    const inner = (child: Json | undefined): string | null => this.check(value, child, path, depth + 1)
    return (
      inner(this.#referred(schema['$ref'])) ??
      valueProblem(value, schema, path) ??
      boundsProblem(value, schema, path) ??
      this.#membersProblem(value, schema, path, depth) ??
      this.#itemsProblem(value, schema, path, depth) ??
      this.#combinedProblem(schema, path, inner)
    )
  }

  /** The schema that a reference within this one names. */
  #referred(reference: Json | undefined): Json | undefined {
    if (typeof reference !== 'string' || !reference.startsWith('#')) return undefined
    const keys = reference.slice(1).split('/').slice(1)
    return keys.reduce<Json | undefined>(
      (at, key) => memberOf(at, key.replaceAll('~1', '/').replaceAll('~0', '~')),
      this.#root,
    )
  }

  #membersProblem(value: Json, schema: JsonObject, path: string, depth: number): string | null {
    if (!isObject(value)) return null
    const required = listOf(schema['required']).find((key) => typeof key === 'string' && !Object.hasOwn(value, key))
    if (typeof required === 'string') return `${nameOf(path)}: expected the property '${required}'`
    const { properties, additionalProperties: others } = schema
    for (const [key, member] of Object.entries(value)) {
      const known = memberOf(properties, key)
      if (known === undefined && others === false) return `${nameOf(path)}: expected no property '${key}'`
      const problem = this.check(member, known ?? others, `${path}.${key}`, depth + 1)
      if (problem !== null) return problem
    }
    return null
  }

  #itemsProblem(value: Json, schema: JsonObject, path: string, depth: number): string | null {
    if (!Array.isArray(value)) return null
    const first = listOf(schema['prefixItems'])
    for (const [at, item] of (value as readonly Json[]).entries()) {
      const problem = this.check(item, first[at] ?? schema['items'], `${path}[${at}]`, depth + 1)
      if (problem !== null) return problem
    }
    return null
  }

  #combinedProblem(schema: JsonObject, path: string, inner: (child: Json) => string | null): string | null {
    for (const one of listOf(schema['allOf'])) {
      const problem = inner(one)
      if (problem !== null) return problem
    }
    for (const name of ['anyOf', 'oneOf'] as const) {
      const branches = listOf(schema[name])
      const fitting = branches.filter((one) => inner(one) === null).length
      const fits = name === 'anyOf' ? fitting > 0 : fitting === 1
      if (branches.length > 0 && !fits) {
        const wanted = name === 'anyOf' ? 'one' : 'exactly one'
        return `${nameOf(path)}: expected ${wanted} of ${branches.length} schemas to fit, got ${fitting}`
      }
    }
    const { not } = schema
    return not !== undefined && inner(not) === null ? `${nameOf(path)}: expected no value of that kind` : null
  }
}

function valueProblem(value: Json, schema: JsonObject, path: string): string | null {
  const types = [schema['type'] ?? []].flat().filter((type) => typeof type === 'string')
  if (types.length > 0 && !types.some((type) => isOfType(value, type)))
    return `${nameOf(path)}: expected ${types.join(' or ')}, got ${typeOf(value)}`
  const { enum: allowed, const: only } = schema
  const same = (other: Json): boolean => JSON.stringify(other) === JSON.stringify(value)
  if (Array.isArray(allowed) && !(allowed as readonly Json[]).some(same))
    return `${nameOf(path)}: expected one of ${JSON.stringify(allowed).slice(0, 200)}`
  if (only !== undefined && !same(only)) return `${nameOf(path)}: expected ${JSON.stringify(only).slice(0, 200)}`
  return null
}

/** Bounds: the keyword, what it is about, and whether the schema's number allows the value's. */
const BOUNDS: readonly (readonly [
  keyword: string,
  of: (value: Json) => number | null,
  allows: (n: number, bound: number) => boolean,
])[] = [
  ['minimum', numberOf, (n, bound) => n >= bound],
  ['maximum', numberOf, (n, bound) => n <= bound],
  ['exclusiveMinimum', numberOf, (n, bound) => n > bound],
  ['exclusiveMaximum', numberOf, (n, bound) => n < bound],
  ['minLength', lengthOf, (n, bound) => n >= bound],
  ['maxLength', lengthOf, (n, bound) => n <= bound],
  ['minItems', countOf, (n, bound) => n >= bound],
  ['maxItems', countOf, (n, bound) => n <= bound],
]

function boundsProblem(value: Json, schema: JsonObject, path: string): string | null {
  for (const [keyword, of, allows] of BOUNDS) {
    const bound = schema[keyword]
    const n = of(value)
    if (typeof bound === 'number' && n !== null && !allows(n, bound))
      return `${nameOf(path)}: expected ${keyword} ${bound}, got ${n}`
  }
  return null
}

function numberOf(value: Json): number | null {
  return typeof value === 'number' ? value : null
}

function lengthOf(value: Json): number | null {
  return typeof value === 'string' ? Array.from(value).length : null
}

function countOf(value: Json): number | null {
  return Array.isArray(value) ? value.length : null
}

function isOfType(value: Json, type: string): boolean {
  if (type === 'number') return typeof value === 'number'
  return typeOf(value) === type
}

function typeOf(value: Json): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'array'
  return Number.isInteger(value) ? 'integer' : typeof value
}

function memberOf(value: Json | undefined, key: string): Json | undefined {
  return isObject(value) && Object.hasOwn(value, key) ? value[key] : undefined
}

function listOf(value: Json | undefined): readonly Json[] {
  return Array.isArray(value) ? (value as readonly Json[]) : []
}

function nameOf(path: string): string {
  return path === '' ? 'the arguments' : `'${path.replace(/^\./, '').slice(0, 100)}'`
}
