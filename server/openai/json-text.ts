/** JSON that is written in pieces: a long list is text from the beginning, and is never turned into one again. */

/** A JSON array whose items are written as they come. */
export class JsonList {
  readonly #items: string[] = []

  /** Adds an item; returns the length of its text. */
  push(item: unknown): number {
    const text = JSON.stringify(item)
    this.#items.push(text)
    return text.length
  }

  get items(): readonly string[] {
    return this.#items
  }

  /** For JSON.stringify, where the length does not matter. */
  toJSON(): unknown[] {
    return this.#items.map((item) => JSON.parse(item) as unknown)
  }
}

/** The text of a value that may contain JsonLists, in pieces. Undefined properties are left out, as by JSON.stringify. */
export function* jsonPieces(value: unknown): Generator<string> {
  if (value instanceof JsonList) {
    yield* listed(value.items, (item) => [item])
  } else if (Array.isArray(value)) {
    yield* listed(value, jsonPieces)
  } else if (typeof value === 'object' && value !== null) {
    const entries = Object.entries(value).filter(([, one]) => one !== undefined)
    yield '{'
    for (const [i, [key, one]] of entries.entries()) {
      yield `${i === 0 ? '' : ','}${JSON.stringify(key)}:`
      yield* jsonPieces(one)
    }
    yield '}'
  } else yield JSON.stringify(value) ?? 'null'
}

/** The whole text. */
export function jsonText(value: unknown): string {
  return [...jsonPieces(value)].join('')
}

function* listed<T>(items: readonly T[], write: (item: T) => Iterable<string>): Generator<string> {
  yield '['
  for (const [i, item] of items.entries()) {
    if (i > 0) yield ','
    yield* write(item)
  }
  yield ']'
}
