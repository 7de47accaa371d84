/**
 * Neural Memory Transformer: windowed attention beside a memory whose weights learn while it reads (Titans). Corrected
 * against its first publication: every session has fast weights of its own, tokens read only what was committed before
 * their chunk, and the outer training reaches through the learning.
 */
import { define } from '../architecture.ts'
import { choice, type ConfigOf, count, flag, real, requires, requiresEvenChannels } from '../config.ts'
import { attention, attentionParams, attentionState, fillAfter } from '../layers/attention.ts'
import {
  updateMemory,
  type NeuralMemoryConfig,
  neuralMemoryParams,
  type NeuralMemoryState,
  neuralMemoryState,
  pendingState,
  retrieve,
  appendPending,
} from '../layers/neural-memory.ts'
import { mlp, mlpParams } from '../layers/mlp.ts'
import { chunkPosition } from '../layers/chunk-position.ts'
import type { Ops } from '../ops.ts'
import { chunkedForward } from '../chunked-forward.ts'
import { matrix, type Of, type Spec, stateOf, vector } from '../spec.ts'

const fields = {
  vocab: count(256, 'size of the vocabulary'),
  width: count(128, 'width of the model', 1, 65_536),
  layers: count(2, 'number of layers', 1, 1024),
  heads: count(4, 'attention heads; must divide the width into even channels'),
  window: count(64, 'tokens that attention sees, the current one included', 2),
  hidden: count(352, 'width of the feed-forward layers'),
  rope: real(10_000, 'base of the rotary position embedding', 1, 1e9),
  variant: choice(
    'gate',
    ['gate', 'mac', 'mag', 'mal'],
    'how memory and attention meet: gated after it, as its context, as its gate, as a layer before it',
  ),
  memory: choice('layer', ['shared', 'layer'], 'one memory for all layers, or one each'),
  memoryWidth: count(64, 'width of keys and values of the memory'),
  expansion: count(2, 'inner width of the memory, in its widths', 1, 64),
  depth: count(2, 'layers of the memory', 1, 2),
  activation: choice('gelu', ['gelu', 'relu'], 'activation inside the memory'),
  chunk: count(32, 'tokens between two commits of the memory', 1, 1024),
  thetaMax: real(1, 'upper bound of the learning rate of a token', 1e-6, 100),
  momentum: flag(true, 'the memory keeps a momentum'),
  decay: flag(true, 'the memory goes back towards its start'),
  threshold: real(0, 'a token with no more loss than this does not teach', 0, 1e6),
  clip: real(1, 'longest gradient of a chunk; 0: no bound', 0, 1e6),
  persistent: count(0, 'learned tokens that attention always sees', 0, 1024),
  update: flag(true, 'the memory learns; without, all sessions read its start'),
  dropout: real(0, 'dropout rate in training', 0, 0.9),
}
type Config = ConfigOf<typeof fields>

const memory = (c: Config): NeuralMemoryConfig => ({ ...c, memory: c.memoryWidth })

/** As a context, every token brings what was recalled for it: two places each. */
const places = (c: Config): number => (c.variant === 'mac' ? 2 : 1)
const attending = (c: Config) => ({ ...c, window: places(c) * c.window })

interface BlockParams {
  readonly attentionNorm: Spec
  readonly attention: ReturnType<typeof attentionParams>
  readonly memoryNorm: Spec
  /** What was recalled, at the model's width. */
  readonly recall: Spec
  readonly gate?: Spec
  readonly gateBias?: Spec
  readonly memory?: ReturnType<typeof neuralMemoryParams>
  readonly feedForwardNorm: Spec
  readonly feedForward: ReturnType<typeof mlpParams>
}
interface BlockState {
  readonly attention: ReturnType<typeof attentionState>
  readonly memory?: NeuralMemoryState<Spec>
  readonly pending?: Spec
}

const params = (c: Config) => ({
  embed: matrix([c.vocab, c.width], 0.02),
  ...(c.memory === 'shared' ? { memory: neuralMemoryParams(memory(c)) } : {}),
  blocks: Array.from({ length: c.layers }, (): BlockParams => ({
    attentionNorm: vector([c.width], 1),
    attention: attentionParams(attending(c)),
    memoryNorm: vector([c.width], 1),
    // Zero-initialised where it is added: an untrained memory adds nothing
    recall:
      c.variant === 'gate' || c.variant === 'mal'
        ? matrix([c.memoryWidth, c.width], 0)
        : matrix([c.memoryWidth, c.width]),
    ...(c.variant === 'gate' ? { gate: matrix([2 * c.width, c.width]), gateBias: vector([c.width], 0) } : {}),
    ...(c.memory === 'layer' ? { memory: neuralMemoryParams(memory(c)) } : {}),
    feedForwardNorm: vector([c.width], 1),
    feedForward: mlpParams(c.width, c.hidden),
  })),
  norm: vector([c.width], 1),
})

const state = (c: Config) => ({
  filled: stateOf(1),
  ...(c.update ? { position: stateOf(1) } : {}), // tokens of the unfinished chunk
  ...(c.update && c.memory === 'shared' ? { memory: neuralMemoryState(memory(c)) } : {}),
  blocks: Array.from({ length: c.layers }, (): BlockState => ({
    attention: attentionState(attending(c)),
    ...(c.update && c.memory === 'layer' ? { memory: neuralMemoryState(memory(c)) } : {}),
    ...(c.update ? { pending: pendingState(memory(c)) } : {}),
  })),
})

type Params<T> = Of<ReturnType<typeof params>, T>
type State<T> = Of<ReturnType<typeof state>, T>

export const nmt = define({
  name: 'nmt',
  about: 'Neural Memory Transformer: windowed attention and a Titans memory that learns at test time',
  fields,
  check(c) {
    requiresEvenChannels('nmt', c.width, c.heads)
    // What lies between the window and the last commit would be seen by nothing
    requires(
      !c.update || c.window >= c.chunk,
      `nmt.window: expected at least the ${c.chunk} tokens of a chunk, got ${c.window}`,
    )
    requires(
      c.memoryWidth % 8 === 0,
      `nmt.memoryWidth: expected a multiple of 8 (ONNX Runtime sums other widths by batch), got ${c.memoryWidth}`,
    )
  },
  params,
  state,
  chunkLength: (c) => (c.update ? c.chunk : 1),
  layers: (c) => c.layers,
  forward(op, c, p, ids, s) {
    if (!c.update) return step(op, c, p, ids, s)
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

/** Tokens that lie within one chunk: ids (B,S). When they fill it, the memory learns. */
function step<T>(op: Ops<T>, c: Config, p: Params<T>, ids: T, s: State<T>): { hidden: T; state: State<T> } {
  let x = op.gather(p.embed, ids)
  const done = p.blocks.map((block, i) => {
    const past = s.blocks[i]!
    const own = block.memory ?? p.memory!
    const mixed = mix(op, c, block, own, x, past.attention, past.memory ?? s.memory, s.filled)
    const mlpOut = mlp(op, c.hidden, block.feedForward, op.rmsNorm(mixed.x, block.feedForwardNorm, 1e-5))
    x = op.layerHook(op.add(mixed.x, op.dropout(mlpOut, c.dropout)), i)
    const pending = past.pending && { pending: appendPending(op, memory(c), own, mixed.taught, past.pending) }
    return { attention: mixed.attention, ...pending }
  })
  const hidden = op.rmsNorm(x, p.norm, 1e-5)
  const filled = fillAfter(op, ids, s.filled, c.window)
  if (!s.position) return { hidden, state: { filled, blocks: done } }

  const { full, position } = chunkPosition(op, ids, s.position, c.chunk)
  /** The memory after this piece: it has learnt where the chunk is full. */
  const after = (start: readonly T[], before: NeuralMemoryState<T>, pending: readonly T[]): NeuralMemoryState<T> => {
    const taught = updateMemory(op, memory(c), start, before, pending)
    const choose = (now: readonly T[], old: readonly T[]): T[] => now.map((t, i) => op.where(full, t, old[i]!))
    return {
      added: choose(taught.added, before.added).map((layer) => op.tap(layer, 'memory.added')),
      ...(before.momentum ? { momentum: choose(taught.momentum!, before.momentum) } : {}),
    }
  }
  const shared =
    s.memory &&
    after(
      p.memory!.start,
      s.memory,
      done.map(({ pending }) => pending!),
    )
  const blocks = done.map((block, i) => {
    const own = s.blocks[i]!.memory
    return own ? { ...block, memory: after(p.blocks[i]!.memory!.start, own, [block.pending!]) } : block
  })
  return {
    hidden,
    state: {
      filled,
      position,
      ...(shared ? { memory: shared } : {}),
      blocks,
    },
  }
}

/** Attention and memory in the order of the variant; `taught` (B,S,D) is what the memory learns from. */
function mix<T>(
  op: Ops<T>,
  c: Config,
  p: Params<T>['blocks'][number],
  own: NonNullable<Params<T>['memory']>,
  before: T,
  past: State<T>['blocks'][number]['attention'],
  weights: NeuralMemoryState<T> | undefined,
  filled: T,
) {
  const norm = (x: T, weight: T): T => op.rmsNorm(x, weight, 1e-5)
  const plus = (x: T, y: T): T => op.add(x, op.dropout(y, c.dropout))
  const recalled = (x: T): T => op.matmul(retrieve(op, memory(c), own, x, weights), p.recall)
  const attend = (x: T) => attention(op, attending(c), p.attention, x, past, op.mul(filled, op.constant(places(c))))
  switch (c.variant) {
    case 'mac': {
      const normed = norm(before, p.attentionNorm)
      const pairs = op.reshape(op.concat([recalled(normed), normed], -1), [0, -1, c.width]) //  (B, 2S, D)
      const { y, state } = attend(pairs)
      const seen = op.slice(op.reshape(y, [0, -1, 2 * c.width]), 2, c.width) //                 (B, S, D)
      return { x: plus(before, seen), taught: norm(seen, p.memoryNorm), attention: state }
    }
    case 'mag': {
      const normed = norm(before, p.attentionNorm)
      const { y, state } = attend(normed)
      const gate = op.tap(op.sigmoid(recalled(normed)), 'gate')
      return { x: plus(before, op.mul(norm(y, p.memoryNorm), gate)), taught: normed, attention: state }
    }
    case 'mal': {
      const normed = norm(before, p.memoryNorm)
      const x = plus(before, recalled(normed))
      const { y, state } = attend(norm(x, p.attentionNorm))
      return { x: plus(x, y), taught: normed, attention: state }
    }
    default: {
      const { y, state } = attend(norm(before, p.attentionNorm))
      const x = plus(before, y)
      const normed = norm(x, p.memoryNorm)
      const said = recalled(normed)
      const gate = op.sigmoid(op.add(op.matmul(op.concat([normed, said], -1), p.gate!), p.gateBias!))
      return { x: plus(x, op.mul(op.tap(gate, 'gate'), said)), taught: normed, attention: state }
    }
  }
}
