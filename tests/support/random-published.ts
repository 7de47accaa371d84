/** Published models with random weights, which are made when they are read. */
import type { ReadModel } from '../../exporter/import/import.ts'
import type { PublishedModel } from '../../exporter/import/published-config.ts'
import type { BlockKind, QuantBlocks, TensorSource, TokenizerContents } from '../../exporter/import/sources/source.ts'
import { elements, flatten, type Spec } from '../../models/spec.ts'
import { Random } from '../../trainer/random.ts'

const BLOCK = 32

/** Sizes of a small Transformer without experts, whose family the test adds as `model_type`. */
export const SMALL_CONFIG = {
  vocab_size: 64,
  hidden_size: 64,
  intermediate_size: 96,
  num_hidden_layers: 2,
  rms_norm_eps: 1e-6,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  max_position_embeddings: 128,
  tie_word_embeddings: false,
  rope_theta: 10_000,
}

/** The model with each parameter a tensor of its own; matrices of experts are in blocks of `kind`, if one is given. */
export function randomPublished(
  published: PublishedModel,
  tokenizer: TokenizerContents,
  about: string,
  kind: BlockKind | null = null,
): ReadModel {
  const names = flatten(published.model.params).map(([path]) => path)
  return {
    source: { about, generation: {}, tensors: randomTensors(published, kind) },
    published,
    bindings: new Map(names.map((path) => [path, { kind: 'stacked', names: [path] } as const])),
    tokenizer,
  }
}

function randomTensors({ model }: PublishedModel, kind: BlockKind | null): TensorSource {
  const random = new Random(1)
  // Normal numbers are dear: every tensor gets a piece of one long row of them.
  const pool = Float32Array.from({ length: 1 << 20 }, () => random.normal())
  const specs = new Map(flatten(model.params))
  const starts = new Map([...specs.keys()].map((path) => [path, random.int(pool.length)]))
  const shape = (name: string): number[] => specs.get(name)!.shape.map(Number)
  const kindOf = (name: string): BlockKind | null => (/experts\.\w+_proj$/.test(name) ? kind : null)
  const blocksOf = (name: string): QuantBlocks => randomBlocks(shape(name), kindOf(name), pool, starts.get(name)!)

  /** Rows of a parameter, as its initial values are drawn. */
  function rows({ init }: Spec, name: string, from: number, to: number): Float32Array {
    const width = elements(shape(name).slice(1))
    if (kindOf(name)) return numbersOf(blocksOf(name)).slice(from * width, to * width)
    const [mean, std] = init.kind === 'normal' ? [0, init.std] : init.kind === 'constant' ? [init.value, 0] : [-1, 0.1]
    const start = starts.get(name)! + from * width
    return Float32Array.from({ length: (to - from) * width }, (_, i) => mean + std * pool[(start + i) % pool.length]!)
  }
  const readRows = (name: string, from: number, to: number) => Promise.resolve(rows(specs.get(name)!, name, from, to))
  return {
    names: [...specs.keys()],
    shape,
    readRows,
    read: (name) => readRows(name, 0, shape(name)[0] ?? 1),
    blocks: (name) => Promise.resolve(kindOf(name) ? blocksOf(name) : undefined),
    blockKind: kindOf,
    close: () => Promise.resolve(),
  }
}

/** Blocks of which the numbers have a standard deviation of about 1 / sqrt(columns). */
function randomBlocks(
  shape: readonly number[],
  kind: BlockKind | null,
  pool: Float32Array,
  start: number,
): QuantBlocks {
  const columns = shape.at(-1)!
  const [bits, middle] = kind === 'Q8_0' ? ([8, 128] as const) : ([4, 8] as const)
  const count = elements(shape)
  const numberAt = (i: number): number => pool[(start + i) % pool.length]!
  const q = Uint8Array.from({ length: count }, (_, i) => Math.floor(Math.abs(numberAt(i)) * 1e4) % (2 * middle))
  const step = 1 / (middle * 0.6 * Math.sqrt(columns))
  const scale = Float32Array.from({ length: count / BLOCK }, (_, i) => step * (1 + 0.2 * Math.sin(i)))
  const minimum = scale.map((each, i) => -each * (kind === 'Q4_1' ? middle + Math.sin(3 * i) : middle))
  return { bits, rows: count / columns, columns, q, scale, minimum }
}

const numbersOf = ({ q, scale, minimum }: QuantBlocks): Float32Array =>
  Float32Array.from(q, (level, i) => {
    const block = Math.floor(i / BLOCK)
    return scale[block]! * level + minimum[block]!
  })
