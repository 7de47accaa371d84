/**
 * Adapters: any other architecture, its weights frozen, with memory layers after some of its layers, or low-rank
 * additions to its matrices, or both. The parameters of the base have their own paths behind `base.`, so a checkpoint
 * of the base fits (`mneme train adapter --init CHECKPOINT`).
 */
import type { Architecture, Model } from '../architecture.ts'
import {
  choice,
  ConfigError,
  type ConfigOf,
  configure,
  count,
  flag,
  type Options,
  real,
  requires,
  text,
} from '../config.ts'
import { bankParams, keysAndValues } from '../layers/memory-bank.ts'
import { linearLoraParams, loraParams, loraProducts, loraTargets, withLora } from '../layers/lora.ts'
import { memoryLayerParams, memoryLayer } from '../layers/memory-layer.ts'
import { bankCount, bankOf, checkMemory, memoryFields, memoryLayers } from '../layers/placement.ts'
import { exitsOption, withExits } from '../exits.ts'
import type { Ops } from '../ops.ts'
import { fill, type Of, type SpecTree, vector } from '../spec.ts'

const fields = {
  vocab: count(256, 'size of the vocabulary'),
  base: { default: 'vanilla', help: 'the architecture that is adapted' },
  baseConfig: { default: {} as Options, help: 'its options' },
  source: text('', 'the published model whose weights the base has: a folder or a .gguf file (--init)'),
  sourceHash: text('', 'sha256 of its names, shapes and vectors'),
  frozen: flag(true, 'the base keeps its weights'),
  adapters: choice('memory', ['memory', 'lora', 'both'], 'what is added to the base'),
  loraRank: count(16, 'rank of what is added to a matrix'),
  loraAlpha: real(32, 'what is added is multiplied by alpha / rank', 1e-3, 1e6),
  loraTargets: text(
    '',
    "which of the base's matrices: a regular expression over their paths; without, the projections of its attention",
  ),
  ...memoryFields,
}
type Config = ConfigOf<typeof fields>

/** The adapter over any of `bases`. */
export const adapterOf = (bases: ReadonlyMap<string, Architecture>): Architecture => ({
  name: 'adapter',
  about: 'memory layers or low-rank additions in a frozen model of another architecture',
  fields: { ...fields, exits: exitsOption },
  vocabOption: 'vocab',
  model({ exits = {}, ...options }) {
    const c = configure('adapter', fields, options)
    const base = baseModel(bases, c)
    check(c, base)
    const params = adapterParams(c, base)
    const model: Model = {
      architecture: 'adapter',
      config: { ...c, baseConfig: base.config },
      vocab: base.vocab,
      width: base.width,
      params: params as unknown as SpecTree,
      state: base.state,
      chunkLength: base.chunkLength,
      positions: base.positions,
      multipliesByLinear: base.multipliesByLinear,
      layers: base.layers,
      contrast: base.contrast,
      rowLabels: base.rowLabels,
      trainingOnly: base.trainingOnly,
      forward: (op, given, ids, state) => forward(op, c, base, given as Params<typeof ids>, ids, state),
      logits(op, given, hidden) {
        const adapted = withAdditions(op, c, base, given as Params<typeof hidden>)
        return base.logits(adapted.op, adapted.params, hidden)
      },
    }
    return withExits(model, exits as Options)
  },
})

const reads = (c: Config): boolean => c.adapters !== 'lora'
const adds = (c: Config): boolean => c.adapters !== 'memory'
const layersOf = (c: Config, base: Model): number[] => (reads(c) ? memoryLayers(c, base.layers) : [])

function baseModel(bases: ReadonlyMap<string, Architecture>, c: Config): Model {
  const found = bases.get(c.base)
  if (!found) throw new ConfigError(`adapter.base: expected one of ${[...bases.keys()].join(', ')}, got ${c.base}`)
  const { vocabOption: name } = found
  // Published models have rows for more tokens than their tokenizers
  const own = name === 'vocab_size' ? Number(c.baseConfig[name] ?? 0) : 0
  return found.model({ ...c.baseConfig, [name]: Math.max(own, c.vocab) })
}

function check(c: Config, base: Model): void {
  if (reads(c)) {
    requires(base.layers > 0, `adapter.base: this ${c.base} has no layers after which a memory could be read`)
    checkMemory('adapter', c, base.width, base.layers)
    requires(c.placement !== 'none', 'adapter.placement: expected layers for the memory, got none')
    requires(
      c.chapters === 0 || c.routing === 'token',
      `adapter.routing: expected token (the router of an adapter has no memory of its own), got ${c.routing}`,
    )
  }
  if (!adds(c)) return
  const matrices = loraTargets(base.params, /(?:)/)
  const targets = loraTargets(base.params, pattern(c, base))
  requires(
    targets.length > 0,
    `adapter.loraTargets: expected an expression for some of ${listed(matrices.map(([path]) => path))}, got ${c.loraTargets}`,
  )
  for (const [path, { shape }] of targets) {
    const most = Math.min(...shape.map(Number))
    requires(
      c.loraRank <= most,
      `adapter.loraRank: expected at most ${most} (the smaller side of ${path}), got ${c.loraRank}`,
    )
  }
}

/** The first of many names. */
const listed = (names: readonly string[]): string =>
  names.length <= 16 ? names.join(', ') : `${names.slice(0, 16).join(', ')} and ${names.length - 16} more`

function pattern(c: Config, base: Model): RegExp {
  const attention = base.multipliesByLinear ? String.raw`\.[qkvo]_proj\.weight$` : 'qkv$'
  try {
    return new RegExp(c.loraTargets || attention)
  } catch (cause) {
    throw new ConfigError(`adapter.loraTargets: ${(cause as Error).message}`, { cause })
  }
}

const layerParams = (c: Config, width: number) => ({ norm: vector([width], 1), ...memoryLayerParams(c, width) })

const keptAsItIs = (c: Config) => ({ frozen: true, ...(c.source === '' ? {} : { published: true }) }) as const
const loraOf = (base: Model) => (base.multipliesByLinear ? linearLoraParams : loraParams)

const adapterParams = (c: Config, base: Model) => ({
  base: c.frozen ? (fill(base.params, (_, spec) => ({ ...spec, ...keptAsItIs(c) })) as SpecTree) : base.params,
  banks: Array.from({ length: reads(c) ? bankCount(c, base.layers) : 0 }, () => bankParams(c, base.width)),
  memory: layersOf(c, base).map(() => layerParams(c, base.width)),
  lora: adds(c) ? loraOf(base)(loraTargets(base.params, pattern(c, base)), c.loraRank) : {},
})

type Tree = ReturnType<typeof adapterParams>
/** The base's tree is known by its paths only. */
type Params<T> = Of<Omit<Tree, 'base'>, T> & { readonly base: unknown }

/** The base's parameters and the operations that it runs with, so that what LoRA adds is added. */
function withAdditions<T>(op: Ops<T>, c: Config, base: Model, p: Params<T>) {
  const scale = c.loraAlpha / c.loraRank
  if (!adds(c)) return { op, params: p.base, check: () => {} }
  if (!base.multipliesByLinear) return { op, params: withLora(op, base.params, p.base, p.lora, scale), check: () => {} }
  return { params: p.base, ...loraProducts(op, base.params, p.base, p.lora, scale) }
}

/** The base's own pass, with x + read(norm(x)) after each layer that has a memory. */
function forward<T>(op: Ops<T>, c: Config, base: Model, p: Params<T>, ids: T, state: unknown) {
  const layers = layersOf(c, base)
  // Computed before the base runs, because its layers may be in a loop
  const rows = p.memory.map((layer, i) =>
    keysAndValues(op, c, base.width, `adapter.${i}`, p.banks[bankOf(c, i)]!, layer),
  )
  const layerHook = (x: T, index: number): T => {
    const i = layers.indexOf(index)
    if (i < 0) return op.layerHook(x, index)
    const own = p.memory[i]!
    const read = memoryLayer(op, c, base.width, `adapter.${i}`, own, rows[i]!, op.rmsNorm(x, own.norm, 1e-5), {})
    if (read.loss !== undefined) op.addLoss(op.mul(read.loss, op.constant(1 / layers.length)))
    return op.layerHook(op.add(x, read.y), index)
  }
  const adapted = withAdditions(op, c, base, p)
  const done = base.forward({ ...adapted.op, layerHook }, adapted.params, ids, state)
  adapted.check()
  return done
}
