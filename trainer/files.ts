/** Files of a user: what goes wrong with them is said as path, what was wanted, and why it cannot be. */
import { readFile, writeFile } from 'node:fs/promises'
import { systemReason } from '../runtime/system-errors.ts'

/** Thrown when a file cannot be read or written. */
export class FileError extends Error {
  override name = 'FileError' as const

  /** The sentence for what the operating system said of a path. */
  static of(path: string, verb: 'read' | 'written', cause: unknown): FileError {
    return new FileError(`${path}: cannot be ${verb}: ${systemReason(cause)}`, { cause })
  }
}

/** The text of a file. Throws FileError. */
export async function readText(path: string): Promise<string> {
  return readFile(path, 'utf8').catch((cause: unknown) => {
    throw FileError.of(path, 'read', cause)
  })
}

/** The value in a JSON file. Throws FileError. */
export async function readJson(path: string): Promise<unknown> {
  return parseJson(await readText(path), path)
}

/** The value of JSON text; `where` begins the message of the FileError. */
export function parseJson(text: string, where: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new FileError(`${where}: expected JSON: ${jsonProblem(cause)}`, { cause })
  }
}

/** What a parser says is wrong, without its own quotation of the whole text. */
export function jsonProblem(cause: unknown): string {
  const { message } = cause as Error
  if (/end of JSON input|Unterminated/.test(message)) return 'it ends too early'
  const place = /at position (\d+)/.exec(message)?.[1]
  return place === undefined ? 'its syntax is wrong' : `its syntax is wrong at character ${Number(place) + 1}`
}

/** Writes a file. Throws FileError. */
export async function writeText(path: string, text: string): Promise<void> {
  await writeFile(path, text).catch((cause: unknown) => {
    throw FileError.of(path, 'written', cause)
  })
}
