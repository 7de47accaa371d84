/**
 * Our session memory: sliding-window attention for the last words, gated delta memories for all that came before; slots
 * and learning networks, which are written chunk by chunk, where asked.
 */
import { define } from '../architecture.ts'
import { choice, type ConfigOf, count, real, requires, requiresEvenChannels } from '../config.ts'
import { attention, attentionParams, attentionState, fillAfter } from '../layers/attention.ts'
import { deltaMemory, type DeltaMemoryConfig, deltaMemoryParams, deltaMemoryState } from '../layers/delta-memory.ts'
import {
  neuralMemoryLayer,
  neuralMemoryLayerParams,
  neuralMemoryLayerState,
  slotLayer,
  slotParams,
  slotState,
} from '../layers/chunk-memory.ts'
import type { NeuralMemoryConfig } from '../layers/neural-memory.ts'
import { mlp, mlpParams } from '../layers/mlp.ts'
import { type ChunkPosition, chunkPosition } from '../layers/chunk-position.ts'
import type { Ops } from '../ops.ts'
import { chunkedForward } from '../chunked-forward.ts'
import { matrix, type Of, type Spec, stateOf, vector } from '../spec.ts'

const fields = {
  vocab: count(256, 'size of the vocabulary'),
  width: count(128, 'width of the model', 1, 65_536),
  layers: {
    default: 'adad',
    help: 'the mixers in order: a sliding-window attention, d gated delta memory, s slots, t a network that learns',
    pattern: /^[adst]+$/,
  },
  hidden: count(352, 'width of the feed-forward layers; 0 for none', 0),
  heads: count(4, 'attention heads; must divide the width into even channels'),
  window: count(64, 'tokens that attention sees, the current one included', 2),
  rope: real(10_000, 'base of the rotary position embedding', 1, 1e9),
  memoryHeads: count(4, 'heads of a delta memory'),
  keys: count(64, 'rows of a memory: about so many associations are held exactly'),
  values: count(64, 'columns of a memory'),
  conv: count(4, 'taps of the short convolution before q, k and v', 2, 16),
  decay: choice('head', ['none', 'head', 'channel'], 'forgetting: none, one rate per head, or one per key channel'),
  betaMax: {
    default: [1] as readonly number[],
    help: 'upper bound of the write strength, one per head, repeated',
    min: 0.01,
    max: 2,
  },
  products: count(1, 'writes that a token makes one after another; more than one can track states', 1, 4),
  cache: count(0, 'slots a head that keep the most surprising tokens exactly; 0 for none', 0, 1024),
  cacheHalfLife: count(0, 'tokens after which a surprise counts half; 0: never', 0),
  chunk: count(16, 'tokens between two writes of slots and learning networks', 1, 1024),
  slots: count(16, 'slots of an s layer'),
  networkWidth: count(32, 'width of keys and values of a t layer'),
  dropout: real(0, 'dropout rate in training', 0, 0.9),
}

type Config = ConfigOf<typeof fields>

interface Block {
  readonly norm: Spec
  readonly attention?: ReturnType<typeof attentionParams>
  readonly delta?: ReturnType<typeof deltaMemoryParams>
  readonly slots?: ReturnType<typeof slotParams>
  readonly network?: ReturnType<typeof neuralMemoryLayerParams>
  readonly feedForwardNorm?: Spec
  readonly feedForward?: ReturnType<typeof mlpParams>
}
interface BlockState {
  readonly attention?: ReturnType<typeof attentionState>
  readonly delta?: ReturnType<typeof deltaMemoryState>
  readonly slots?: ReturnType<typeof slotState>
  readonly network?: ReturnType<typeof neuralMemoryLayerState>
}

const memory = (c: Config): DeltaMemoryConfig => ({
  width: c.width,
  heads: c.memoryHeads,
  keys: c.keys,
  values: c.values,
  conv: c.conv,
  decay: c.decay,
  betaMax: c.betaMax,
  products: c.products,
  cache: c.cache,
  cacheHalfLife: c.cacheHalfLife,
})

const network = (c: Config): NeuralMemoryConfig => ({
  width: c.width,
  memory: c.networkWidth,
  chunk: c.chunk,
  expansion: 2,
  depth: 2,
  activation: 'gelu',
  thetaMax: 1,
  threshold: 0,
  clip: 1,
  momentum: true,
  decay: true,
  update: true,
})

/** Whether the model works chunk by chunk. */
const inChunks = (c: Config): boolean => /[st]/.test(c.layers)

function mixerParams(c: Config, kind: string): Partial<Block> {
  if (kind === 'a') return { attention: attentionParams(c) }
  if (kind === 's') return { slots: slotParams(c) }
  if (kind === 't') return { network: neuralMemoryLayerParams(network(c)) }
  return { delta: deltaMemoryParams(memory(c)) }
}

function mixerState(c: Config, kind: string): BlockState {
  if (kind === 'a') return { attention: attentionState(c) }
  if (kind === 's') return { slots: slotState(c) }
  if (kind === 't') return { network: neuralMemoryLayerState(network(c)) }
  return { delta: deltaMemoryState(memory(c)) }
}

const params = (c: Config) => ({
  embed: matrix([c.vocab, c.width], 0.02),
  blocks: Array.from(c.layers, (kind): Block => ({
    norm: vector([c.width], 1),
    ...mixerParams(c, kind),
    ...thinking(c),
  })),
  norm: vector([c.width], 1),
})

const state = (c: Config) => ({
  filled: stateOf(1),
  ...(inChunks(c) ? { position: stateOf(1) } : {}), // tokens of the unfinished chunk
  blocks: Array.from(c.layers, (kind) => mixerState(c, kind)),
})

type Params<T> = Of<ReturnType<typeof params>, T>
type State<T> = Of<ReturnType<typeof state>, T>

const thinking = (c: Config) =>
  c.hidden === 0 ? {} : { feedForwardNorm: vector([c.width], 1), feedForward: mlpParams(c.width, c.hidden) }

export const delta = define({
  name: 'delta',
  about: 'sliding-window attention and gated delta memories in turn, with a short convolution before each memory',
  fields,
  check(c) {
    requiresEvenChannels('delta', c.width, c.heads)
    requires(
      !inChunks(c) || !c.layers.includes('a') || c.window >= c.chunk,
      `delta.window: expected at least the ${c.chunk} tokens of a chunk, got ${c.window}`,
    )
    requires(
      c.networkWidth % 8 === 0,
      `delta.networkWidth: expected a multiple of 8 (ONNX Runtime sums other widths by batch), got ${c.networkWidth}`,
    )
  },
  params,
  state,
  layers: (c) => c.layers.length,
  chunkLength: (c) => (inChunks(c) ? c.chunk : 1),
  forward(op, c, p, ids, s) {
    if (!inChunks(c)) return step(op, c, p, ids, s)
    const pieces = {
      spec: state(c),
      length: c.chunk,
      width: c.width,
      layers: true,
      position: (now: typeof s) => now.position!,
    }
    return chunkedForward(op, pieces, ids, s, (piece, now) => step(op, c, p, piece, now))
  },
  logits: (op, _, p, hidden) => op.matmul(hidden, op.transpose(p.embed, [1, 0])),
})

/** ids (B,T); where there are chunks, tokens of one. */
function step<T>(op: Ops<T>, c: Config, p: Params<T>, ids: T, s: State<T>): { hidden: T; state: State<T> } {
  const place = s.position && chunkPosition(op, ids, s.position, c.chunk)
  let x = op.gather(p.embed, ids) //                                                            (B, T, D)
  const blocks = p.blocks.map((block, i) => {
    const { y, state } = mix(op, c, block, op.rmsNorm(x, block.norm, 1e-5), s.blocks[i]!, s.filled, place)
    x = op.add(x, op.dropout(y, c.dropout))
    if (block.feedForward && block.feedForwardNorm) {
      const mlpOut = mlp(op, c.hidden, block.feedForward, op.rmsNorm(x, block.feedForwardNorm, 1e-5))
      x = op.add(x, op.dropout(mlpOut, c.dropout))
    }
    x = op.layerHook(x, i)
    return state
  })
  return {
    hidden: op.rmsNorm(x, p.norm, 1e-5),
    state: {
      filled: fillAfter(op, ids, s.filled, c.window),
      ...(place ? { position: place.position } : {}),
      blocks,
    },
  }
}

function mix<T>(
  op: Ops<T>,
  c: Config,
  block: Params<T>['blocks'][number],
  x: T,
  past: State<T>['blocks'][number],
  filled: T,
  place: ChunkPosition<T> | undefined,
): { y: T; state: State<T>['blocks'][number] } {
  if (block.attention) {
    const read = attention(op, c, block.attention, x, past.attention!, filled)
    return { y: read.y, state: { attention: read.state } }
  }
  if (block.slots) {
    const read = slotLayer(op, c, block.slots, x, past.slots!, place!)
    return { y: read.y, state: { slots: read.state } }
  }
  if (block.network) {
    const read = neuralMemoryLayer(op, network(c), block.network, x, past.network!, place!)
    return { y: read.y, state: { network: read.state } }
  }
  const read = deltaMemory(op, memory(c), block.delta!, x, past.delta!)
  return { y: read.y, state: { delta: read.state } }
}
