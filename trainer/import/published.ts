/** Published weights: rules that map tensors of a file to parameters of a model, and their application. */
import { ImportError } from '../../exporter/import/import-error.ts'
import { elements, flatten, type SpecTree } from '../../models/spec.ts'
import type { Tensor } from '../../runtime/tensor.ts'
import type { NamedTensors } from '../safetensors.ts'

/** `#` stands for the number of a layer, in both names. */
export interface Rule {
  readonly from: string
  readonly to: string
  /**
   * How the layouts differ: `transpose` (out, in) -> (in, out); `taps` (channels, 1, taps) ->
   * (taps, channels); `rows` the first rows of theirs.
   */
  readonly as?: 'transpose' | 'taps' | 'rows'
}

export interface Published {
  readonly name: string
  /** What the names in a file may begin with, beside the rule's. */
  readonly prefixes: readonly string[]
  readonly rules: readonly Rule[]
}

export interface Imported {
  /** By our paths. */
  readonly weights: ReadonlyMap<string, Float32Array>
  /** Tensors of the file that have no place in the model: deeper layers, masks, heads. */
  readonly unused: readonly string[]
}

/**
 * The parameters of a model that `published` has a rule for, from a file's tensors. Throws ImportError where the model
 * lacks what a rule names, or the file lacks a tensor or has it in another size.
 */
export function importWeights(published: Published, tensors: NamedTensors, params: SpecTree): Imported {
  const taken = new Set<string>()
  const weights = new Map<string, Float32Array>()
  const specs = flatten(params)
  for (const rule of published.rules) {
    const [before, after] = rule.to.split('#') as [string, string?]
    const pattern = after === undefined ? null : new RegExp(`^${escaped(before)}(\\d+)${escaped(after)}$`)
    const found = specs.flatMap(([path, spec]) => {
      const layer = pattern?.exec(path)?.[1]
      return path === rule.to || layer !== undefined ? [{ path, spec, layer: layer ?? '' }] : []
    })
    if (found.length === 0)
      throw new ImportError(`${published.name}: expected a model with parameters ${rule.to}, this one has none`)
    for (const { path, spec, layer } of found) {
      const [name, tensor] = find(published, tensors, rule.from.replace('#', layer))
      taken.add(name)
      weights.set(path, toOurLayout(`${published.name}: ${name}`, tensor, rule, spec.shape.map(Number)))
    }
  }
  return { weights, unused: Object.keys(tensors).filter((name) => !taken.has(name)) }
}

const escaped = (text: string): string => text.replaceAll('.', String.raw`\.`)

function find(published: Published, tensors: NamedTensors, name: string): [string, Tensor] {
  for (const prefix of published.prefixes) {
    const tensor = tensors[prefix + name]
    if (tensor) return [prefix + name, tensor]
  }
  throw new ImportError(`${published.name}: expected a tensor ${name}, the file has none`)
}

/** The numbers of a tensor in the layout of a parameter of `shape`. */
function toOurLayout(where: string, { dtype, dims, data }: Tensor, rule: Rule, shape: readonly number[]): Float32Array {
  if (dtype !== 'float32') throw new ImportError(`${where}: expected float32, got ${dtype}`)
  const numbers = data as Float32Array
  const expected = publishedShape(rule, shape, dims)
  if (dims.join() !== expected.join())
    throw new ImportError(`${where}: expected [${expected.join(', ')}], got [${dims.join(', ')}]`)
  if (rule.as === 'rows') return numbers.slice(0, elements(shape))
  if (rule.as === undefined) return numbers.slice()
  const [rows, columns] = shape as [number, number]
  return Float32Array.from({ length: rows * columns }, (_, i) => {
    const [row, column] = [Math.floor(i / columns), i % columns]
    return numbers[column * rows + row]!
  })
}

/** The shape that the published tensor has for a parameter of `shape`. */
function publishedShape(rule: Rule, shape: readonly number[], dims: readonly number[]): readonly number[] {
  if (rule.as === 'transpose') return shape.toReversed()
  if (rule.as === 'taps') return [shape[1]!, 1, shape[0]!]
  if (rule.as === 'rows' && dims[0]! >= shape[0]!) return [dims[0]!, ...shape.slice(1)]
  return shape
}
