/**
 * The weights of an imported model on their way into a graph: each matrix is stored in the form in which ONNX Runtime's
 * operators take it, in a file beside the graph, and read from its source only when it is written.
 */
import type { Composites, LinearPart, MixtureOfExperts, Primitives } from '../../models/ops.ts'
import { elements, flatten } from '../../models/spec.ts'
import { chosenExperts, type ExpertMatrices } from '../expert-kernels.ts'
import type { ExternalWeights, WriteInto } from '../onnx/external-weights.ts'
import type { ExternalPlace, GraphBuilder, Value } from '../onnx/graph.ts'
import type { Cursor } from '../trace.ts'
import { readParameter, type Bindings, type Parametrised } from './bind.ts'
import { floatMatrices, packedMatrices } from './expert-matrices.ts'
import { BLOCK, packExact, packInt4, packInt8, nibbles, type PackedRows } from './pack-blocks.ts'
import { packedProduct, product, type Layout, type PackedPlaces } from './products.ts'
import type { BlockKind, QuantBlocks, TensorSource } from './sources/source.ts'
import type { Formats, WeightFormat } from './weight-formats.ts'

type Overrides = Pick<Composites<Value>, 'linear' | 'linears' | 'mixtureOfExperts'> & Pick<Primitives<Value>, 'gather'>

/** Numbers of rows that are in memory at once. */
const CHUNK_NUMBERS = 1 << 22

interface Packed {
  readonly format: WeightFormat
  readonly layout: Layout
  readonly places: PackedPlaces
  /** Inputs of the product: numbers, scales and zero points. */
  readonly values: readonly Value[]
}

/** Of 4-bit blocks that are searched: with zero points they lose what Q4_0's of 32 without lose, and are read sooner. */
const SEARCHED_BLOCK = 64

export class ImportedWeights {
  readonly #cursor: Cursor
  readonly #external: ExternalWeights
  readonly #bindings: Bindings
  readonly #tensors: TensorSource
  readonly #formats: Formats
  readonly #shapes: ReadonlyMap<string, readonly number[]>
  /** Names of the tensors that are stored in float32. */
  readonly #floats = new Set<string>()
  /** Matrices in blocks, by the paths of their rows: those that read one x are stored as one. */
  readonly #packed = new Map<string, Packed>()
  /** x with the sums of its blocks, for matrices whose blocks have a minimum. */
  readonly #extended = new Map<Value, Value>()
  readonly #counts = { float32: 0, int8: 0, int4: 0, exact: 0 }

  constructor(
    cursor: Cursor,
    external: ExternalWeights,
    model: Parametrised,
    bindings: Bindings,
    tensors: TensorSource,
    formats: Formats,
  ) {
    this.#cursor = cursor
    this.#external = external
    this.#bindings = bindings
    this.#tensors = tensors
    this.#formats = formats
    this.#shapes = new Map(flatten(model.params).map(([path, { shape }]) => [path, shape.map(Number)]))
  }

  /** How many numbers are stored in each form. */
  get counts(): Readonly<Record<WeightFormat, number>> {
    return this.#counts
  }

  /** The operations that read matrices of the model. */
  get overrides(): Overrides {
    return {
      linear: (x, weight, bias) => {
        const shape = this.#shapes.get(weight.name)
        return shape
          ? this.linears(x, [{ weight, size: shape[0]!, ...(bias ? { bias } : {}) }])[0]!
          : product(this.#graph, x, weight, bias)
      },
      linears: (x, parts) => this.linears(x, parts),
      gather: (table, ids) => this.#gather(table, ids),
      mixtureOfExperts: (x) => this.#mixtureOfExperts(x),
    }
  }

  get #graph(): GraphBuilder {
    return this.#cursor.at
  }

  /** Matrices of one x and one form are one product. */
  linears(x: Value, parts: readonly LinearPart<Value>[]): Value[] {
    const byFormat = new Map<WeightFormat, LinearPart<Value>[]>()
    for (const part of parts) {
      const format = this.#formatOf(part.weight.name)
      byFormat.set(format, [...(byFormat.get(format) ?? []), part])
    }
    const made = new Map<LinearPart<Value>, Value>()
    for (const [format, group] of byFormat) {
      const y = this.#multiply(
        x,
        group.map(({ weight }) => weight.name),
        format,
      )
      const each =
        group.length === 1
          ? [y]
          : this.#graph.node(
              'Split',
              [y, this.#sizes(group.map(({ size }) => size))],
              { axis: { int: -1 } },
              group.length,
            )
      for (const [i, part] of group.entries())
        made.set(part, part.bias ? this.#graph.node('Add', [each[i], part.bias])[0]! : each[i]!)
    }
    return parts.map((part) => made.get(part)!)
  }

  /** Registers the tensors that nodes read as they are: norms, convolutions, biases. */
  finish(): void {
    const read = this.#graph.readNames()
    for (const [path, shape] of this.#shapes)
      if (read.has(path) && !this.#floats.has(path)) this.#storeFloats(path, [path], shape)
  }

  #formatOf(path: string): WeightFormat {
    const [columns, rows] = this.#shapes.get(path)!.toReversed()
    return this.#formats.of(path, rows!, columns!)
  }

  #sizes(sizes: readonly number[]): Value {
    return this.#graph.constant('int64', [sizes.length], sizes)
  }

  /** x times the matrices at `paths`, one below the other. */
  #multiply(x: Value, paths: readonly string[], format: WeightFormat): Value {
    const [rows, columns] = this.#sizeOf(paths)
    if (format === 'float32') {
      const name = paths.join('+')
      if (!this.#floats.has(name)) this.#storeFloats(name, paths, [rows, columns])
      return product(this.#graph, x, { name })
    }
    const { values, layout } = this.#storePacked(paths, format)
    return packedProduct(this.#graph, format === 'exact' ? this.#withSums(x) : x, values, rows, layout)
  }

  #mixtureOfExperts(x: MixtureOfExperts<Value>): Value {
    const { experts } = x
    return chosenExperts(
      this.#graph,
      x,
      this.#expertMatrices(x.up.name, experts),
      this.#expertMatrices(x.down.name, experts),
    )
  }

  /** The matrices of a parameter (E, rows, columns), which are stored one below the other. */
  #expertMatrices(path: string, experts: number): ExpertMatrices {
    const [, rows, columns] = this.#shapes.get(path)! as [number, number, number]
    const graph = this.#graph
    const matrices = { graph, external: this.#external, path, experts, rows, columns }
    const format = this.#formatOf(path)
    if (format === 'float32') return floatMatrices(matrices, this.#storeFloats(path, [path], [experts * rows, columns]))
    const prepare = (x: Value): Value => (format === 'exact' ? this.#withSums(x) : x)
    return packedMatrices(matrices, this.#storePacked([path], format), prepare)
  }

  #sizeOf(paths: readonly string[]): [rows: number, columns: number] {
    const shapes = paths.map((path) => this.#shapes.get(path)!)
    return [shapes.reduce((sum, shape) => sum + elements(shape.slice(0, -1)), 0), shapes[0]!.at(-1)!]
  }

  #storeFloats(name: string, paths: readonly string[], shape: readonly number[]): ExternalPlace {
    const { place } = this.#external.reserve(name, 'float32', shape)
    this.#counts.float32 += elements(shape)
    this.#floats.add(name)
    this.#external.fill(async (write) => {
      let at = 0
      for (const path of paths)
        for await (const data of this.#rowsOf(path)) {
          await write(place, at, bytesOf(data))
          at += data.byteLength
        }
    })
    return place
  }

  #storePacked(paths: readonly string[], format: Exclude<WeightFormat, 'float32'>): Packed {
    const name = paths.join('+')
    const known = this.#packed.get(name)
    if (known) return known
    const [rows, columns] = this.#sizeOf(paths)
    const layout = this.#layoutOf(paths, format, columns)
    const { bits, block } = layout
    const blocks = Math.ceil(layout.width / block)
    const q = this.#external.reserve(`${name}.q`, 'uint8', [rows, blocks, (block * bits) / 8])
    const scales = this.#external.reserve(`${name}.scales`, 'float32', [rows, blocks])
    const zeros = layout.zeros
      ? this.#external.reserve(`${name}.zeros`, 'uint8', [rows, Math.ceil(blocks / 2)])
      : undefined
    const places = { q: q.place, scales: scales.place, zeros: zeros?.place ?? null }
    const values = [q.value, scales.value, ...(zeros ? [zeros.value] : [])]
    this.#counts[format] += rows * columns
    const stored = { format, layout, places, values }
    this.#packed.set(name, stored)
    this.#external.fill((write) => this.#fillPacked(write, paths, stored))
    return stored
  }

  #layoutOf(paths: readonly string[], format: WeightFormat, columns: number): Layout {
    const plain = { bits: format === 'int8' ? 8 : 4, block: BLOCK, width: columns, zeros: false } as const
    if (format === 'exact') return { ...plain, width: columns + columns / BLOCK, zeros: true }
    if (format === 'int8' || paths.every((path) => this.#isStoredAs(path, format))) return plain
    return { ...plain, block: columns % SEARCHED_BLOCK === 0 ? SEARCHED_BLOCK : BLOCK, zeros: true }
  }

  async #fillPacked(write: WriteInto, paths: readonly string[], stored: Packed): Promise<void> {
    const at = { q: 0, scales: 0, zeros: 0 }
    for (const path of paths)
      for await (const packed of this.#packedRows(path, stored))
        for (const key of ['q', 'scales', 'zeros'] as const) {
          const [place, data] = [stored.places[key], packed[key]]
          if (!place || !data) continue
          await write(place, at[key], bytesOf(data))
          at[key] += data.byteLength
        }
  }

  /** Whether all tensors of a parameter are in the blocks of this form. */
  #isStoredAs(path: string, format: WeightFormat): boolean {
    const binding = this.#bindings.get(path)!
    return binding.kind === 'stacked' && binding.names.every((name) => fits(format, this.#tensors.blockKind(name)))
  }

  async *#packedRows(path: string, { format, layout }: Packed): AsyncGenerator<PackedRows> {
    const binding = this.#bindings.get(path)!
    if (binding.kind === 'stacked' && this.#isStoredAs(path, format) && layout.zeros === (format === 'exact')) {
      for (const name of binding.names) yield packBlocks((await this.#tensors.blocks(name))!, format)
      return
    }
    for await (const data of this.#rowsOf(path))
      yield format === 'int8' ? packInt8(data) : packInt4(data, layout.width, layout.block)
  }

  /** The numbers of a parameter in whole rows, a few at a time. */
  async *#rowsOf(path: string): AsyncGenerator<Float32Array> {
    const binding = this.#bindings.get(path)!
    if (binding.kind === 'made') {
      const made = await readParameter(binding, this.#tensors)
      if (made.length !== elements(this.#shapes.get(path)!))
        throw new RangeError(`${path}: expected ${elements(this.#shapes.get(path)!)} numbers, made ${made.length}`)
      yield made
      return
    }
    for (const name of binding.names) {
      const [rows = 1, ...rest] = this.#tensors.shape(name)
      const most = Math.max(1, Math.floor(CHUNK_NUMBERS / elements(rest)))
      for (let from = 0; from < rows; from += most)
        yield await this.#tensors.readRows(name, from, Math.min(rows, from + most))
    }
  }

  /** x (B,T,K) with the sum of each of its blocks behind it. */
  #withSums(x: Value): Value {
    const known = this.#extended.get(x)
    if (known) return known
    const blocks = this.#graph.node('Reshape', [x, this.#sizes([0, 0, -1, BLOCK])])[0]! //      (B, T, K/32, 32)
    const sums = this.#graph.node('ReduceSum', [blocks, this.#sizes([-1])], { keepdims: { int: 0 } })[0]!
    const both = this.#graph.node('Concat', [x, sums], { axis: { int: -1 } })[0]!
    this.#extended.set(x, both)
    return both
  }

  /** Rows of a table: of one in 8 bits as it is stored. */
  #gather(table: Value, ids: Value): Value {
    const shape = this.#shapes.get(table.name)
    if (shape?.length !== 2 || this.#formatOf(table.name) !== 'int8')
      return this.#graph.node('Gather', [table, ids])[0]!
    const { places } = this.#storePacked([table.name], 'int8')
    const [rows, columns] = shape as [number, number]
    const q = this.#external.alias(`${table.name}.rows`, 'uint8', [rows, columns], places.q)
    const scales = this.#external.alias(`${table.name}.rows.scales`, 'float32', [rows, columns / BLOCK], places.scales)
    const attributes = {
      bits: { int: 8 },
      block_size: { int: BLOCK },
      gather_axis: { int: 0 },
      quantize_axis: { int: 1 },
    }
    return this.#graph.node('GatherBlockQuantized', [q, ids, scales], attributes, 1, 'com.microsoft')[0]!
  }
}

const bytesOf = (data: ArrayBufferView): Uint8Array => new Uint8Array(data.buffer, data.byteOffset, data.byteLength)

const fits = (format: WeightFormat, kind: BlockKind | null): boolean =>
  ({ int4: ['Q4_0'], exact: ['Q4_1', 'Q4_K'], int8: ['Q8_0'], float32: [] })[format].some((one) => one === kind)

/** Blocks as a file has them. */
function packBlocks(blocks: QuantBlocks, format: WeightFormat): PackedRows {
  if (blocks.bits === 8) return { q: blocks.q, scales: blocks.scale, zeros: null }
  return format === 'exact' ? packExact(blocks) : { q: nibbles(blocks.q), scales: blocks.scale, zeros: null }
}
