/** The published tensors that are being made of those of a GGUF file. */
import { SourceError } from '../contract.ts'
import type { GgufTensor } from './format.ts'
import type { Mapping, RowMapping } from './mapping.ts'
import { GgufFields } from './metadata.ts'
import { rowCount, rowLength } from './rows.ts'

/** How a published tensor differs from the one in the file; what is left out is the same. */
export type Change = Partial<Pick<RowMapping, 'shape' | 'columns' | 'each'>> & {
  /** Row of the file for each of ours; of a tensor with one axis, the element. */
  readonly rows?: Int32Array
}

export class GgufModel extends GgufFields {
  readonly mappings = new Map<string, Mapping>()
  readonly #used = new Set<string>()

  has(name: string): boolean {
    return this.file.tensors.has(name)
  }

  tensor(name: string): GgufTensor {
    const tensor = this.file.tensors.get(name)
    if (!tensor)
      throw new SourceError(`${this.file.path}: expected a tensor ${name} of ${this.architecture}, found none`)
    this.#used.add(name)
    return tensor
  }

  /** Throws SourceError unless the first axis of a tensor has this length, which the metadata say. */
  expectRows(name: string, rows: number): void {
    const found = this.tensor(name).shape[0]
    if (found !== rows) throw new SourceError(`${this.file.path}: tensor ${name}: expected ${rows} rows, got ${found}`)
  }

  /** Makes the published tensor `name` of a tensor of the file. */
  put(name: string, from: string, { rows, columns, ...change }: Change = {}): void {
    const tensor = this.tensor(from)
    const elements = tensor.shape.length < 2
    const order = elements ? { columns: rows ?? columns } : { rows, columns }
    const mapping = { shape: tensor.shape, parts: [tensor], ...change, ...withoutUndefined(order) }
    this.#put(name, mapping, from)
  }

  putIfThere(name: string, from: string, change?: Change): void {
    if (this.has(from)) this.put(name, from, change)
  }

  /** Makes NAME.weight and, if there is one, NAME.bias. */
  linear(name: string, from: string, change: Pick<Change, 'rows' | 'columns'> = {}): void {
    this.put(`${name}.weight`, `${from}.weight`, change)
    this.putIfThere(`${name}.bias`, `${from}.bias`, change.rows ? { rows: change.rows } : {})
  }

  /** Makes one tensor of the rows of several, in the order of `rows` or one after another. */
  join(name: string, from: readonly string[], shape: readonly number[], rows?: Int32Array): void {
    const parts = from.map((part) => this.tensor(part))
    if (new Set(parts.map((part) => part.shape.at(-1))).size > 1)
      throw new SourceError(`${this.file.path}: expected rows of ${from.join(' and ')} to be equally long`)
    this.#put(name, { shape, parts, ...withoutUndefined({ rows }) }, from.join(' and '))
  }

  compute(
    name: string,
    from: readonly string[],
    shape: readonly number[],
    compute: (...parts: Float32Array[]) => Float32Array,
  ): void {
    this.#put(name, { shape, parts: from.map((part) => this.tensor(part)), compute }, from.join(' and '))
  }

  /** Throws SourceError if a tensor of the file, of the layers that count, has no place in the published model. */
  checkAllUsed(): void {
    for (const name of this.file.tensors.keys()) {
      const layer = Number(/^blk\.(\d+)\./.exec(name)?.[1] ?? 0)
      if (!this.#used.has(name) && layer < this.layers)
        throw new SourceError(`${this.file.path}: tensor ${name}: has no place in a model of ${this.architecture}`)
    }
  }

  #checkOrders({ parts, rows, columns }: RowMapping, from: string): void {
    const width = rowLength(parts[0]!)
    const count = parts.reduce((sum, part) => sum + rowCount(part), 0)
    const within = (order: Int32Array | undefined, size: number): boolean =>
      order?.every((index) => index >= 0 && index < size) ?? true
    if (!within(rows, count) || !within(columns, width) || (columns?.length ?? width) !== width)
      throw new SourceError(`${this.file.path}: ${from}: has another shape than the metadata of the file say`)
  }

  #put(name: string, mapping: Mapping, from: string): void {
    const size = (shape: readonly number[]): number => shape.reduce((product, length) => product * length, 1)
    const chosen =
      'rows' in mapping && mapping.rows ? mapping.rows.length * (mapping.parts[0]!.shape.at(-1) ?? 1) : null
    const given = chosen ?? mapping.parts.reduce((sum, part) => sum + size(part.shape), 0)
    if (given !== size(mapping.shape))
      throw new SourceError(
        `${this.file.path}: ${from}: expected ${size(mapping.shape)} numbers for [${mapping.shape.join(', ')}], got ${given}`,
      )
    if (!('compute' in mapping)) this.#checkOrders(mapping, from)
    this.mappings.set(name, mapping)
  }
}

type Defined<T> = { [K in keyof T]: Exclude<T[K], undefined> }

function withoutUndefined<T extends object>(object: T): Partial<Defined<T>> {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)) as Partial<Defined<T>>
}
