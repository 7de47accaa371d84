/**
 * Rolling State Memory: attention inside a chunk, memory slots across chunks. Corrected against its first publication:
 * reads see only what was committed before this chunk, so nothing leaks from the future; the write transition starts at
 * 0.9 I; slots pool by attention; the global sync is part of the graph, is trained, and reads normalised tokens, so that
 * the memory stays bounded. `read: seed` keeps the first publication's leak, to be measured against.
 */
import { define } from '../architecture.ts'
import { choice, type ConfigOf, count, flag, real, requires, requiresEvenChannels } from '../config.ts'
import { projected } from '../layers/attention.ts'
import { chunkPosition } from '../layers/chunk-position.ts'
import { crossAttention, crossAttentionParams } from '../layers/cross-attention.ts'
import { layerNorm, layerNormParams } from '../layers/layer-norm.ts'
import { pool, pooled, poolParams, poolState, write, writeParams } from '../layers/slots.ts'
import type { Ops } from '../ops.ts'
import { chunkedForward } from '../chunked-forward.ts'
import { matrix, type Of, type Spec, stateOf, vector } from '../spec.ts'

const fields = {
  vocab: count(256, 'size of the vocabulary'),
  width: count(128, 'width of the model', 1, 65_536),
  layers: count(4, 'number of layers', 1, 1024),
  heads: count(4, 'attention heads; must divide the width'),
  slots: count(32, 'memory slots'),
  chunk: count(64, 'tokens between two writes; attention sees the current chunk only', 2),
  expansion: count(4, 'width of the feed-forward layers, in widths', 1, 64),
  pooling: choice('attention', ['attention', 'mean'], 'how a chunk is summarised for each slot'),
  read: choice(
    'previous_chunk',
    ['previous_chunk', 'seed'],
    'what a layer reads: the memory before this chunk, or (training only) what the layer below has made of this chunk',
  ),
  memory: choice('shared', ['shared', 'layer'], 'one memory for all layers, or one each'),
  sync: flag(true, 'every `cadence` chunks the slots also attend to the last chunk itself'),
  cadence: count(4, 'chunks between two syncs'),
  resetEvery: count(0, 'chunks after which the memory starts again; 0: never', 0),
  dropout: real(0, 'dropout rate in training', 0, 0.9),
}
type Config = ConfigOf<typeof fields>

/** Standard deviation of the first embeddings. Positions are scaled to it: at height 1 they would outweigh the tokens. */
const EMBEDDING = 0.02

const params = (c: Config) => ({
  embed: matrix([c.vocab, c.width], EMBEDDING),
  start: matrix([c.slots, c.width], 0.02), //    the memory before the first token
  blocks: Array.from({ length: c.layers }, () => ({
    attentionNorm: layerNormParams(c.width),
    qkv: matrix([c.width, 3 * c.width]),
    output: matrix([c.width, c.width]),
    outputBias: vector([c.width], 0),
    readNorm: layerNormParams(c.width),
    read: crossAttentionParams(c.width),
    feedForwardNorm: layerNormParams(c.width),
    up: matrix([c.width, c.expansion * c.width]),
    upBias: vector([c.expansion * c.width], 0),
    down: matrix([c.expansion * c.width, c.width]),
    downBias: vector([c.width], 0),
    pool: poolParams(c.pooling, c.width),
    write: writeParams(c.width),
  })),
  ...(c.sync ? { syncNorm: layerNormParams(c.width), sync: crossAttentionParams(c.width) } : {}),
  norm: layerNormParams(c.width),
})

interface BlockState {
  readonly k: Spec
  readonly v: Spec
  readonly pool: ReturnType<typeof poolState>
  /** One memory each, as the difference to `start`: zero at the beginning. */
  readonly memory?: Spec
}

const state = (c: Config) => ({
  position: stateOf(1), //                       tokens of the unfinished chunk
  ...(c.memory === 'shared' ? { memory: stateOf(c.slots, c.width) } : {}),
  blocks: Array.from({ length: c.layers }, (): BlockState => ({
    k: stateOf(c.heads, c.chunk, c.width / c.heads),
    v: stateOf(c.heads, c.chunk, c.width / c.heads),
    pool: poolState(c.pooling, c.slots, c.width),
    ...(c.memory === 'layer' ? { memory: stateOf(c.slots, c.width) } : {}),
  })),
  ...(c.sync ? { tokens: stateOf(c.chunk, c.width), sinceSync: stateOf(1) } : {}),
  ...(c.resetEvery > 0 ? { age: stateOf(1) } : {}),
})

type Params<T> = Of<ReturnType<typeof params>, T>
type State<T> = Of<ReturnType<typeof state>, T>

export const rsm = define({
  name: 'rsm',
  about: 'Rolling State Memory: attention inside a chunk, slots that are read before and written after each chunk',
  fields,
  check(c) {
    requiresEvenChannels('rsm', c.width, c.heads)
    requires(c.read === 'previous_chunk' || c.memory === 'shared', 'rsm.memory: expected shared where rsm.read is seed')
  },
  params,
  state,
  chunkLength: (c) => c.chunk,
  layers: (c) => c.layers,
  trainingOnly: (c) =>
    c.read === 'seed'
      ? 'read: expected previous_chunk; with seed a token reads what later tokens of its chunk have written, which nobody has while they are unknown'
      : undefined,
  forward(op, c, p, ids, s) {
    const pieces = {
      spec: state(c),
      length: c.chunk,
      width: c.width,
      layers: true,
      position: (now: typeof s) => now.position,
    }
    return chunkedForward(op, pieces, ids, s, (piece, now) => step(op, c, p, piece, now))
  },
  logits: (op, _, p, hidden) => op.matmul(hidden, op.transpose(p.embed, [1, 0])),
})

/** Tokens that lie within one chunk: ids (B,S). When they fill it, the memory is written. */
function step<T>(op: Ops<T>, c: Config, p: Params<T>, ids: T, s: State<T>): { hidden: T; state: State<T> } {
  const place = chunkPosition(op, ids, s.position, c.chunk)
  const when = (then: T, otherwise: T, rank: 2 | 3): T =>
    op.where(rank === 2 ? place.ends : place.full, then, otherwise)
  const zero = op.constant(0)
  const committed = (difference: T): T => op.add(difference, p.start) //                        (B, M, D)

  let x = op.dropout(op.add(op.gather(p.embed, ids), positions(op, c, ids, s.position)), c.dropout)
  let shared = s.memory && committed(s.memory)
  const done = p.blocks.map((block, i) => {
    const past = s.blocks[i]!
    const memory = past.memory ? committed(past.memory) : shared!
    const local = selfAttention(op, c, block, x, past, s.position)
    x = op.add(x, op.dropout(local.y, c.dropout))
    x = op.add(
      x,
      op.dropout(crossAttention(op, c.width, block.read, layerNorm(op, block.readNorm, x), memory), c.dropout),
    )
    x = op.layerHook(op.add(x, op.dropout(mlp(op, block, x), c.dropout)), i)
    const sums = pool(op, c.width, block.pool, memory, x, past.pool, place.fresh)
    if (c.read === 'seed') shared = write(op, block.write, shared!, pooled(op, sums, c.chunk))
    return { ...local, memory, pool: sums }
  })

  const hidden = layerNorm(op, p.norm, x)
  // Normalised: what a sync adds must not grow with the memory that the tokens have read
  const tokens = s.tokens && op.slice(op.concat([s.tokens, hidden], 1), 1, -c.chunk)
  const due = s.sinceSync && op.less(op.constant(c.cadence - 0.5), s.sinceSync)
  const old = s.age && op.less(op.constant(c.resetEvery - 1.5), s.age)
  /** The memory after this chunk, as a difference again. */
  const finish = (memory: T): T => {
    const synced = due ? op.where(op.reshape(due, [0, 1, 1]), sync(op, c, p, memory, tokens!), memory) : memory
    const difference = op.sub(synced, p.start)
    return old ? op.where(op.reshape(old, [0, 1, 1]), zero, difference) : difference
  }
  const summary = (i: number): T => pooled(op, done[i]!.pool, c.chunk)
  if (s.memory && c.read === 'previous_chunk')
    for (const [i, block] of p.blocks.entries()) shared = write(op, block.write, shared!, summary(i))
  const blocks = done.map(({ k, v, memory, pool: sums }, i) => {
    const before = s.blocks[i]!.memory
    const own = before && { memory: when(finish(write(op, p.blocks[i]!.write, memory, summary(i))), before, 3) }
    const emptied = Object.fromEntries(Object.entries(sums).map(([name, sum]) => [name, when(zero, sum, 3)]))
    return { k, v, pool: emptied as typeof sums, ...own }
  })
  return {
    hidden,
    state: {
      position: place.position,
      ...(s.memory ? { memory: when(finish(shared!), s.memory, 3) } : {}),
      blocks,
      ...(due ? { tokens: tokens!, sinceSync: when(next(op, due, s.sinceSync, 1), s.sinceSync, 2) } : {}),
      ...(old ? { age: when(next(op, old, s.age, 0), s.age, 2) } : {}),
    } as State<T>,
  }
}

/** A counter of chunks: `restart` where it was due, else one more. */
const next = <T>(op: Ops<T>, due: T, counter: T, restart: number): T =>
  op.where(due, op.constant(restart), op.add(counter, op.constant(1)))

/** M + CrossAttn(LN(M), tokens of the last chunk). */
const sync = <T>(op: Ops<T>, c: Config, p: Params<T>, memory: T, tokens: T): T =>
  op.add(memory, crossAttention(op, c.width, p.sync!, layerNorm(op, p.syncNorm!, memory), tokens))

/** Sinusoidal positions (Vaswani et al. 2017), counted from the start of the chunk: (B,S,D). */
function positions<T>(op: Ops<T>, c: Config, ids: T, position: T): T {
  const half = c.width / 2
  const frequencies = Array.from({ length: half }, (_, i) => 10_000 ** (-i / half))
  const at = op.add(op.reshape(position, [0, 1, 1]), op.reshape(op.iota(ids, 1), [1, -1, 1])) // (B, S, 1)
  const angle = op.mul(at, op.table(frequencies, [1, 1, half]))
  return op.mul(op.concat([op.sin(angle), op.cos(angle)], -1), op.constant(EMBEDDING))
}

/** Causal attention over the tokens of the chunk so far. */
function selfAttention<T>(
  op: Ops<T>,
  c: Config,
  p: Params<T>['blocks'][number],
  x: T,
  past: State<T>['blocks'][number],
  filled: T,
) {
  const channels = c.width / c.heads
  const heads = projected(op, c, p.qkv, layerNorm(op, p.attentionNorm, x))
  const done = op.windowAttention({ ...heads, past, filled, window: c.chunk, channels, rope: null })
  const y = op.reshape(op.transpose(done.y, [0, 2, 1, 3]), [0, 0, c.width])
  return { y: op.add(op.matmul(y, p.output), p.outputBias), k: done.k, v: done.v }
}

function mlp<T>(op: Ops<T>, p: Params<T>['blocks'][number], x: T): T {
  const inner = op.add(op.matmul(layerNorm(op, p.feedForwardNorm, x), p.up), p.upBias)
  return op.add(op.matmul(op.maximum(inner, op.constant(0)), p.down), p.downBias)
}
