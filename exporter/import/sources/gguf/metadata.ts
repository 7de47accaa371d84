/** What a GGUF file says of its model, by the keys of its architecture. */
import { SourceError } from '../contract.ts'
import type { OpenGguf } from './open.ts'

export class GgufFields {
  readonly file: OpenGguf
  readonly architecture: string
  /** Layers of the model itself, without those that only predict further tokens. */
  readonly layers: number

  constructor(file: OpenGguf) {
    this.file = file
    const architecture = file.metadata.get('general.architecture')
    if (typeof architecture !== 'string')
      throw new SourceError(`${file.path}: expected general.architecture to name an architecture, found none`)
    this.architecture = architecture
    this.layers = this.count('block_count') - this.number('nextn_predict_layers', 0)
    // Each layer has tensors: a count beyond theirs would only make long lists.
    if (!Number.isInteger(this.layers) || this.layers < 1 || this.layers > file.tensors.size)
      throw this.wrong('block_count', `at most the ${file.tensors.size} tensors of the file`, this.layers)
  }

  /** The number of a key of this architecture, as short as its float32 allows. Throws SourceError without a default. */
  number(key: string, otherwise?: number): number {
    const value = this.#value(key)
    if (typeof value === 'number') return shortest(value)
    if (value === undefined && otherwise !== undefined) return otherwise
    throw this.wrong(key, 'a number', value)
  }

  /** A number of things or a width: whole and at least 1. */
  count(key: string, otherwise?: number): number {
    const value = this.number(key, otherwise)
    if (!Number.isSafeInteger(value) || value < 1) throw this.wrong(key, 'a whole number of at least 1', value)
    return value
  }

  boolean(key: string, otherwise: boolean): boolean {
    const value = this.#value(key)
    if (value === undefined) return otherwise
    if (typeof value !== 'boolean') throw this.wrong(key, 'true or false', value)
    return value
  }

  text(key: string): string | undefined {
    const value = this.#value(key)
    return typeof value === 'string' ? value : undefined
  }

  /** One number a layer; a single number stands for all layers. */
  perLayer(key: string): number[] {
    const value = this.#value(key)
    const values = typeof value === 'number' ? Array.from({ length: this.layers }, () => value) : value
    if (!Array.isArray(value) && typeof value !== 'number') throw this.wrong(key, 'numbers', value)
    const numbers = (values as readonly unknown[]).slice(0, this.layers)
    if (numbers.length < this.layers || numbers.some((one) => typeof one !== 'number'))
      throw this.wrong(key, `${this.layers} numbers`, value)
    return numbers as number[]
  }

  /** Flags of the layers, if the file has them. */
  flagsPerLayer(key: string): boolean[] | undefined {
    const value = this.#value(key)
    return Array.isArray(value) ? value.slice(0, this.layers).map(Boolean) : undefined
  }

  wrong(key: string, expected: string, found: unknown): SourceError {
    const got = found === undefined ? 'nothing' : JSON.stringify(found).slice(0, 80)
    return new SourceError(`${this.file.path}: ${this.architecture}.${key}: expected ${expected}, got ${got}`)
  }

  #value(key: string): unknown {
    return this.file.metadata.get(`${this.architecture}.${key}`)
  }
}

/** The shortest decimal with the same float32: 1e-6 for 9.999999974752427e-7. */
export function shortest(value: number): number {
  if (Math.fround(value) !== value) return value
  for (let digits = 1; digits < 10; digits++) {
    const short = Number(value.toPrecision(digits))
    if (Math.fround(short) === value) return short
  }
  return value
}
