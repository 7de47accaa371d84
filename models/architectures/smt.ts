/**
 * Stride Memory Transformer: a Transformer over a window of the last tokens and of the last outputs of a state-space
 * model, which is fed a summary of that window once a stride. Corrected against its first publication: places of the
 * window that nothing has filled yet are masked, and the outputs start as large as embeddings, else a summary would be
 * of them alone. Writes happen after every `stride` tokens (the publication's first one comes one token later).
 */
import { define } from '../architecture.ts'
import { choice, type ConfigOf, count, real, requires } from '../config.ts'
import { attention, attentionParams, attentionState } from '../layers/attention.ts'
import { gptBlock, gptMlp, gptMlpParams, gptParams } from '../layers/gpt.ts'
import { type MambaConfig, mambaStack, mambaStackParams, mambaStackState } from '../layers/mamba.ts'
import { chunkPosition } from '../layers/chunk-position.ts'
import { crossAttentionParams, crossAttentionPerQuery } from '../layers/cross-attention.ts'
import { layerNorm, layerNormParams } from '../layers/layer-norm.ts'
import { emptyMask, unfold, windowPool, windowPoolParams } from '../layers/window.ts'
import type { Ops } from '../ops.ts'
import { chunkedForward } from '../chunked-forward.ts'
import { matrix, type Of, type Spec, stateOf } from '../spec.ts'

const fields = {
  vocab: count(256, 'size of the vocabulary'),
  width: count(128, 'width of the model', 1, 65_536),
  layers: count(4, 'layers of the Transformer', 1, 1024),
  heads: count(4, 'attention heads; must divide the width'),
  expansion: count(4, 'width of the feed-forward layers, in widths', 1, 64),
  outputs: count(8, 'outputs of the state-space model in a window', 1, 4096),
  tokens: count(24, 'tokens in a window, the current one included', 2, 4096),
  stride: count(8, 'tokens between two writes; at most `tokens`'),
  mode: choice(
    'seed',
    ['seed', 'sliding'],
    'each token runs the Transformer over its whole window, or (cheaper) attends to cached keys and reads the outputs by cross attention',
  ),
  keys: count(128, 'channels in which a window is compared with its mean to be summarised'),
  ssmLayers: count(2, 'layers of the state-space model (Mamba-1)'),
  ssmStates: count(16, 'numbers that each of its inner channels remembers'),
  ssmConv: count(4, 'taps of its convolutions', 2, 16),
  ssmExpansion: count(2, 'its inner channels, in widths', 1, 16),
  rope: real(10_000, 'base of the rotary position embedding; sliding only', 1, 1e9),
  dropout: real(0, 'dropout rate in training', 0, 0.9),
}
type Config = ConfigOf<typeof fields>

/** Standard deviations of the first embeddings, the outputs beside them, and the positions, as in GPT-2. */
const [EMBEDDING, POSITION] = [0.02, 0.01]

const ssm = (c: Config): MambaConfig => ({
  width: c.width,
  expansion: c.ssmExpansion,
  states: c.ssmStates,
  conv: c.ssmConv,
})
const local = (c: Config) => ({ ...c, window: c.tokens })
const times = <B>(n: number, make: () => B): B[] => Array.from({ length: n }, make)

const slidingParams = (c: Config) => ({
  attentionNorm: layerNormParams(c.width),
  attention: attentionParams(local(c)),
  readNorm: layerNormParams(c.width),
  read: crossAttentionParams(c.width),
  ...gptMlpParams(c),
})

/** One of the two modes: windows have learned positions, sliding attention rotates. */
interface Modes {
  readonly positions?: Spec
  readonly blocks?: readonly ReturnType<typeof gptParams>[]
  readonly sliding?: readonly ReturnType<typeof slidingParams>[]
}
const modes = (c: Config): Modes =>
  c.mode === 'seed'
    ? { positions: matrix([c.outputs + c.tokens, c.width], POSITION), blocks: times(c.layers, () => gptParams(c)) }
    : { sliding: times(c.layers, () => slidingParams(c)) }

const params = (c: Config) => ({
  embed: matrix([c.vocab, c.width], EMBEDDING),
  ...modes(c),
  norm: layerNormParams(c.width),
  pool: windowPoolParams(c.width, c.keys),
  ssm: mambaStackParams(ssm(c), c.ssmLayers, EMBEDDING),
})

/** What the writing of outputs needs. */
const writingState = (c: Config) => ({
  position: stateOf(1), //                         tokens since the last write
  filled: stateOf(1), //                           tokens in the window, at most m
  writes: stateOf(1), //                           all that there have been
  tokens: stateOf(c.tokens - 1, c.width), //       embeddings of the last tokens
  outputs: stateOf(c.outputs, c.width),
  ssm: mambaStackState(ssm(c), c.ssmLayers),
})

interface SlidingState {
  readonly sliding?: readonly ReturnType<typeof attentionState>[]
}
const slidingState = (c: Config): SlidingState =>
  c.mode === 'sliding' ? { sliding: times(c.layers, () => attentionState(local(c))) } : {}

const state = (c: Config) => ({ ...writingState(c), ...slidingState(c) })

type Params<T> = Of<ReturnType<typeof params>, T>
type State<T> = Of<ReturnType<typeof state>, T>
type Writing<T> = Of<ReturnType<typeof writingState>, T>

export const smt = define({
  name: 'smt',
  about: 'Stride Memory Transformer: a window of tokens and of outputs of a Mamba stack that is written once a stride',
  fields,
  check(c) {
    requires(c.stride <= c.tokens, `smt.stride: expected 1 to ${c.tokens} (smt.tokens), got ${c.stride}`)
    const parts = c.mode === 'sliding' ? 2 * c.heads : c.heads // rotation needs pairs of channels
    requires(
      c.width % parts === 0,
      `smt.heads: ${c.heads} heads do not split width ${c.width} into ${c.mode === 'sliding' ? 'even' : 'whole'} channels`,
    )
  },
  params,
  state,
  chunkLength: (c) => c.stride,
  layers: (c) => (c.mode === 'sliding' ? c.layers : 0), // the windows' tokens are of another rank
  forward(op, c, p, ids, s) {
    const x = op.gather(p.embed, ids) //                                                        (B, T, D)
    const written = writing(op, c, p, x, s)
    const outputs = op.reshape(written.outputs, [0, 0, c.outputs, c.width]) //                  (B, T, N, D)
    const empty = emptyMask(op, written.writes, c.outputs) //                                   (B, T, N)
    if (s.sliding) {
      const read = slide(op, c, p, x, outputs, empty, s)
      return { hidden: read.hidden, state: { ...written.state, sliding: read.caches } }
    }
    return { hidden: windows(op, c, p, x, outputs, empty, s), state: written.state }
  },
  logits: (op, _, p, hidden) => op.matmul(hidden, op.transpose(p.embed, [1, 0])),
})

/**
 * The outputs that each token of x (B,T,D) sees, (B,T,N*D), and how many writes there had been, (B,T,1). A write needs
 * tokens and former outputs only, never what the Transformer makes of them: so this loop is all that goes in order.
 */
function writing<T>(op: Ops<T>, c: Config, p: Params<T>, x: T, s: State<T>) {
  const numbers = c.outputs * c.width
  const pieces = {
    spec: writingState(c),
    length: c.stride,
    width: numbers + 1,
    layers: false,
    position: (now: Writing<T>) => now.position,
  }
  const done = chunkedForward(op, pieces, x, s as Writing<T>, (piece, now) => {
    const seen = op.reshape(op.concat([op.reshape(now.outputs, [0, numbers]), now.writes], 1), [0, 1, -1])
    const none = op.mul(op.slice(piece, -1, 0, 1), op.constant(0)) //                           (B, S, 1)
    return { hidden: op.add(seen, none), state: write(op, c, p, piece, now) }
  })
  const [outputs, writes] = op.split(done.hidden, [numbers, 1], -1) as [T, T]
  return { outputs, writes, state: done.state }
}

/** After tokens up to the next write, at most: x (B,S,D). Where they reach it, one more output is made. */
function write<T>(op: Ops<T>, c: Config, p: Params<T>, x: T, s: Writing<T>): Writing<T> {
  const size = op.add(op.max(op.iota(x, 1), 0), op.constant(1))
  const rows = op.concat([s.tokens, x], 1) //                                                   (B, M-1+S, D)
  const filled = op.minimum(op.add(s.filled, size), op.constant(c.tokens))
  const empty = op.concat([emptyMask(op, s.writes, c.outputs), emptyMask(op, filled, c.tokens)], -1) // (B, N+M)
  const window = op.concat([s.outputs, op.slice(rows, 1, -c.tokens)], 1) //                     (B, N+M, D)
  const summary = windowPool(op, c, p.pool, window, op.reshape(empty, [0, 1, -1]))
  const made = mambaStack(op, ssm(c), p.ssm, summary, s.ssm)

  const { ends, full, position } = chunkPosition(op, x, s.position, c.stride)
  const whenRows = (then: T, otherwise: T): T => op.where(full, then, otherwise)
  return {
    position,
    filled,
    writes: op.tap(op.where(ends, op.add(s.writes, op.constant(1)), s.writes), 'writes'),
    tokens: op.slice(rows, 1, 1 - c.tokens),
    outputs: whenRows(op.concat([op.slice(s.outputs, 1, 1), made.y], 1), s.outputs),
    ssm: made.state.map((after, i) => ({
      conv: whenRows(after.conv, s.ssm[i]!.conv),
      memory: whenRows(after.memory, s.ssm[i]!.memory),
    })),
  }
}

/** Every token by the Transformer over its own window [outputs | last tokens]; the last place is its hidden state. */
function windows<T>(op: Ops<T>, c: Config, p: Params<T>, x: T, outputs: T, emptyOutputs: T, s: State<T>): T {
  const order = op.reshape(op.add(op.iota(x, 1), op.constant(1)), [1, -1, 1])
  const held = op.minimum(op.add(op.reshape(s.filled, [0, 1, 1]), order), op.constant(c.tokens)) // (B, T, 1)
  const empty = op.concat([emptyOutputs, emptyMask(op, held, c.tokens)], -1) //                     (B, T, N+M)
  const tokens = unfold(op, op.concat([s.tokens, x], 1), c.tokens, c.width)
  const first = op.dropout(op.add(op.concat([outputs, tokens], 2), p.positions!), c.dropout) //     (B, T, N+M, D)
  const rows = c.outputs + c.tokens
  const last = p.blocks!.reduce((w, block, i) => gptBlock(op, c, block, w, empty, rows, i === c.layers - 1), first)
  return layerNorm(op, p.norm, op.reshape(last, [0, 0, c.width]))
}

/** Every token once: banded attention over the last tokens, and cross attention to the outputs. */
function slide<T>(op: Ops<T>, c: Config, p: Params<T>, embedded: T, outputs: T, empty: T, s: State<T>) {
  let x = op.dropout(embedded, c.dropout)
  const caches = p.sliding!.map((block, i) => {
    const normed = layerNorm(op, block.attentionNorm, x)
    const near = attention(op, local(c), block.attention, normed, s.sliding![i]!, s.filled)
    x = op.add(x, op.dropout(near.y, c.dropout))
    const far = crossAttentionPerQuery(op, c.width, block.read, layerNorm(op, block.readNorm, x), outputs, empty)
    x = op.layerHook(gptMlp(op, c, block, op.add(x, op.dropout(far, c.dropout))), i)
    return near.state
  })
  return { hidden: layerNorm(op, p.norm, x), caches }
}
