/** Calls that are written as Python: a list of functions with keyword arguments that are literals. */
import type { ParsedCall } from './tool-format.ts'

/** Literals may be nested so deep. */
const MAX_DEPTH = 64

/** The calls in a text; undefined if it is not Python of that kind. */
export function parsePythonCalls(text: string): ParsedCall[] | undefined {
  try {
    return new Reader(text).calls()
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}

class Reader {
  readonly #text: string
  #at = 0

  constructor(text: string) {
    this.#text = text
  }

  calls(): ParsedCall[] {
    const listed = this.#take('[')
    const calls: ParsedCall[] = []
    do calls.push(this.#call())
    while (this.#take(',') && !this.#peek(']'))
    if (listed) this.#expect(']')
    this.#space()
    if (this.#at < this.#text.length) throw this.#unexpected()
    return calls
  }

  #call(): ParsedCall {
    const name = this.#match(/[A-Za-z_][\w.-]*/y)
    this.#expect('(')
    const members: string[] = []
    while (!this.#take(')')) {
      const key = this.#match(/[A-Za-z_]\w*/y)
      this.#expect('=')
      members.push(`${JSON.stringify(key)}: ${this.#literal(0)}`)
      if (!this.#take(',') && !this.#peek(')')) throw this.#unexpected()
    }
    return { name, arguments: `{${members.join(', ')}}` }
  }

  /** The JSON of a literal. */
  #literal(depth: number): string {
    if (depth > MAX_DEPTH) throw this.#unexpected()
    if (this.#take('[')) return `[${this.#list(']', depth).join(', ')}]`
    if (this.#take('(')) return `[${this.#list(')', depth).join(', ')}]`
    if (this.#take('{')) return this.#dictionary(depth)
    if (this.#peek('"') || this.#peek("'")) return JSON.stringify(this.#string())
    const word = this.#match(/[A-Za-z]+|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y)
    const constants = { True: 'true', true: 'true', False: 'false', false: 'false', None: 'null', null: 'null' }
    if (!/^[A-Za-z]/.test(word)) return word
    const constant = constants[word as keyof typeof constants]
    if (constant === undefined) throw this.#unexpected()
    return constant
  }

  #list(end: string, depth: number): string[] {
    const items: string[] = []
    while (!this.#take(end)) {
      items.push(this.#literal(depth + 1))
      if (!this.#take(',') && !this.#peek(end)) throw this.#unexpected()
    }
    return items
  }

  #dictionary(depth: number): string {
    const members: string[] = []
    while (!this.#take('}')) {
      const key = JSON.stringify(this.#string())
      this.#expect(':')
      members.push(`${key}: ${this.#literal(depth + 1)}`)
      if (!this.#take(',') && !this.#peek('}')) throw this.#unexpected()
    }
    return `{${members.join(', ')}}`
  }

  #string(): string {
    const quote = this.#peek("'") ? "'" : '"'
    const body = quote === "'" ? this.#match(/'(?:[^'\\]|\\[\s\S])*'/y) : this.#match(/"(?:[^"\\]|\\[\s\S])*"/y)
    return body
      .slice(1, -1)
      .replaceAll(/\\(u[0-9a-fA-F]{4}|x[0-9a-fA-F]{2}|[\s\S])/g, (_, escape: string) => unescape(escape))
  }

  #space(): void {
    while (/\s/.test(this.#text[this.#at] ?? '')) this.#at++
  }

  #peek(character: string): boolean {
    this.#space()
    return this.#text[this.#at] === character
  }

  #take(character: string): boolean {
    if (!this.#peek(character)) return false
    this.#at++
    return true
  }

  #expect(character: string): void {
    if (!this.#take(character)) throw this.#unexpected()
  }

  #match(pattern: RegExp): string {
    this.#space()
    pattern.lastIndex = this.#at
    const found = pattern.exec(this.#text)?.[0]
    if (found === undefined || found === '') throw this.#unexpected()
    this.#at += found.length
    return found
  }

  #unexpected(): SyntaxError {
    return new SyntaxError(
      `expected a call of Python, got ${JSON.stringify(this.#text.slice(this.#at, this.#at + 20))}`,
    )
  }
}

function unescape(escape: string): string {
  if (escape.length > 1) return String.fromCharCode(Number.parseInt(escape.slice(1), 16))
  return { n: '\n', t: '\t', r: '\r', b: '\b', f: '\f', '\n': '' }[escape] ?? escape
}
