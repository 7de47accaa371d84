/** JSON as Python writes it: with bare Infinity and NaN, or with transformers' {"__float__": "Infinity"}. */
import { readFile, stat } from 'node:fs/promises'
import { SourceError } from './contract.ts'
import { unreadable } from './file-bytes.ts'

/** Beyond the largest tokenizer.json that is published (about 35 MB). */
const MAX_JSON_BYTES = 256 * 1024 * 1024

const constants: Readonly<Record<string, number>> = { Infinity, '-Infinity': -Infinity, NaN }

/** Returns the object in JSON text; `where` begins the message of the SourceError. */
export function parseJsonObject(text: string, where: string): Record<string, unknown> {
  const value = parseJson(text, where)
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new SourceError(`${where}: expected a JSON object, got ${Array.isArray(value) ? 'a list' : typeof value}`)
  return value as Record<string, unknown>
}

function parseJson(text: string, where: string): unknown {
  try {
    return hasConstants(text) ? JSON.parse(strict(text), (_, inner: unknown) => float(inner)) : JSON.parse(text)
  } catch (cause) {
    throw new SourceError(`${where}: expected JSON, got ${problem(cause)}`, { cause })
  }
}

/** Returns the object in a JSON file. Throws SourceError. */
export async function readJsonObject(path: string): Promise<Record<string, unknown>> {
  return parseJsonObject(await readTextFile(path), path)
}

/** Returns the object in a JSON file, or undefined if there is no such file. Throws SourceError for anything else. */
export async function readJsonObjectIfThere(path: string): Promise<Record<string, unknown> | undefined> {
  const text = await readTextIfThere(path)
  return text === undefined ? undefined : parseJsonObject(text, path)
}

/** Returns the objects of a list in a JSON file, or undefined if there is no such file. Throws SourceError. */
export async function readJsonListIfThere(path: string): Promise<Record<string, unknown>[] | undefined> {
  const text = await readTextIfThere(path)
  if (text === undefined) return undefined
  const list = parseJson(text, path)
  if (!Array.isArray(list) || list.some((item) => typeof item !== 'object' || item === null || Array.isArray(item)))
    throw new SourceError(`${path}: expected a list of JSON objects, got something else`)
  return list as Record<string, unknown>[]
}

/** Returns the text of a file, or undefined if there is no such file. Throws SourceError for anything else. */
export async function readTextIfThere(path: string): Promise<string | undefined> {
  const there = await stat(path).catch((cause: unknown) => {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw unreadable(path, cause)
  })
  return there === undefined ? undefined : readTextFile(path)
}

async function readTextFile(path: string): Promise<string> {
  try {
    const { size } = await stat(path)
    if (size > MAX_JSON_BYTES) throw new SourceError(`${path}: expected at most ${MAX_JSON_BYTES} bytes, got ${size}`)
    return await readFile(path, 'utf8')
  } catch (cause) {
    throw cause instanceof SourceError ? cause : unreadable(path, cause)
  }
}

function hasConstants(text: string): boolean {
  return /Infinity|NaN/.test(text)
}

/** Puts the constants that JSON lacks into a form that it has; strings are left as they are. */
function strict(text: string): string {
  return text.replaceAll(/"[^"\\]*(?:\\.[^"\\]*)*"|-?Infinity|NaN/gs, (token) =>
    token.startsWith('"') ? token : `{"__float__":"${token}"}`,
  )
}

/** Returns the first key that an object at `depth` (the outermost is 1) has twice: JSON.parse keeps the last in silence. */
export function repeatedKey(text: string, depth: number): string | undefined {
  let level = 0
  let seen = new Set<string>()
  for (const [token] of text.matchAll(/"[^"\\]*(?:\\.[^"\\]*)*"(?:\s*:)?|[{}[\]]/gs)) {
    if (token === '{' || token === '[') {
      level++
      if (level === depth) seen = new Set()
    } else if (token === '}' || token === ']') level--
    else if (level === depth && token.endsWith(':')) {
      if (seen.has(token)) return JSON.parse(token.slice(0, -1)) as string
      seen.add(token)
    }
  }
  return undefined
}

function float(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || !('__float__' in value)) return value
  const name = value.__float__
  return typeof name === 'string' && Object.hasOwn(constants, name) ? constants[name] : value
}

/** What the parser says is wrong, without its quotation of the text. */
function problem(cause: unknown): string {
  const { message } = cause as Error
  if (/end of JSON input|Unterminated/.test(message)) return 'a text that ends too early'
  const place = /at position (\d+)/.exec(message)?.[1]
  return place === undefined ? 'wrong syntax' : `wrong syntax at character ${Number(place) + 1}`
}
