/**
 * Stride Memory Transformer: a Transformer over a window of the last tokens and of the last outputs of a state-space
 * model, which is fed a summary of that window once a stride. Corrected against its first publication: places of the
 * window that nothing has filled yet are masked, and the outputs start as large as embeddings, else a summary would be
 * of them alone. Writes happen after every `stride` tokens (the publication's first one comes one token later).
 */
import { define } from './architecture.ts'
import { choice, type ConfigOf, count, real, requires } from './config.ts'
import { attention, attentionParams, attentionState } from './layers/attention.ts'
import { gptBlock, gptFeedForward, gptFeedForwardParams, gptParams } from './layers/gpt.ts'
import { type MambaConfig, mambaStack, mambaStackParams, mambaStackState } from './layers/mamba.ts'
import { cross, crossParams, layerNorm, layerNormParams } from './layers/slots.ts'
import { emptyMask, unfold, windowPool, windowPoolParams } from './layers/window.ts'
import type { Ops } from './ops.ts'
import { fill, leaves, matrix, type Of, type SpecTree, stateOf } from './spec.ts'

const fields = {
  vocab: count(256, 'size of the vocabulary'),
  width: count(128, 'width of the model'),
  layers: count(4, 'layers of the Transformer'),
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
  read: crossParams(c.width),
  ...gptFeedForwardParams(c),
})

/** One of the two modes: windows have learned positions, sliding attention rotates. */
interface Modes {
  readonly positions?: ReturnType<typeof matrix>
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

interface SlidingState {
  readonly sliding?: readonly ReturnType<typeof attentionState>[]
}
const state = (c: Config) => ({
  position: stateOf(1), //                         tokens since the last write
  filled: stateOf(1), //                           tokens in the window, at most m
  writes: stateOf(1), //                           all that there have been
  tokens: stateOf(c.tokens - 1, c.width), //       embeddings of the last tokens
  outputs: stateOf(c.outputs, c.width),
  ssm: mambaStackState(ssm(c), c.ssmLayers),
  ...((c.mode === 'sliding' ? { sliding: times(c.layers, () => attentionState(local(c))) } : {}) as SlidingState),
})

type Params<T> = Of<ReturnType<typeof params>, T>
type State<T> = Of<ReturnType<typeof state>, T>

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
  pieces: (c) => c.stride,
  layers: (c) => (c.mode === 'sliding' ? c.layers : 0), // the windows' tokens are of another rank
  forward(op, c, p, ids, s) {
    type T = typeof ids
    const spec = state(c) as unknown as SpecTree
    const list = (tree: State<T>): T[] => [...leaves<T>(spec, tree).values()]
    const tree = (values: readonly T[]): State<T> => {
      const rest = values.values()
      return fill(spec, () => rest.next().value!) as State<T>
    }
    const out = op.segment(
      (carry, [piece]) => {
        const done = step(op, c, p, piece!, tree(carry))
        return { carry: list(done.state), y: [done.hidden] }
      },
      list(s),
      [ids],
      {
        length: c.stride,
        outputs: [[c.width]],
        room: (carry) => op.sub(op.constant(c.stride), op.reshape(tree(carry).position, [-1])),
      },
    )
    return { hidden: out.ys[0]!, state: tree(out.carry) }
  },
  logits: (op, _, p, hidden) => op.matmul(hidden, op.transpose(p.embed, [1, 0])),
})

/** Tokens up to the next write, at most: ids (B,S). */
function step<T>(op: Ops<T>, c: Config, p: Params<T>, ids: T, s: State<T>): { hidden: T; state: State<T> } {
  const size = op.add(op.max(op.iota(ids, 1), 0), op.constant(1))
  const position = op.add(s.position, size) //                                                  (B, 1)
  const rows = op.concat([s.tokens, op.gather(p.embed, ids)], 1) //                             (B, M-1+S, D)
  const read = c.mode === 'seed' ? windows(op, c, p, ids, rows, s) : sliding(op, c, p, ids, s)

  const filled = op.minimum(op.add(s.filled, size), op.constant(c.tokens))
  const empty = op.concat([emptyMask(op, s.writes, c.outputs), emptyMask(op, filled, c.tokens)], -1) // (B, N+M)
  const window = op.concat([s.outputs, op.slice(rows, 1, -c.tokens)], 1) //                      (B, N+M, D)
  const summary = windowPool(op, c, p.pool, window, op.reshape(empty, [0, 1, -1]))
  const written = mambaStack(op, ssm(c), p.ssm, summary, s.ssm)

  const due = op.less(op.constant(c.stride - 0.5), position)
  const when = (then: T, otherwise: T): T => op.where(due, then, otherwise)
  const when3 = (then: T, otherwise: T): T => op.where(op.reshape(due, [0, 1, 1]), then, otherwise)
  const writes = when(op.add(s.writes, op.constant(1)), s.writes)
  return {
    hidden: read.hidden,
    state: {
      position: when(op.constant(0), position),
      filled,
      writes: op.watch(writes, 'writes'),
      tokens: op.slice(rows, 1, 1 - c.tokens),
      outputs: when3(op.concat([op.slice(s.outputs, 1, 1), written.y], 1), s.outputs),
      ssm: written.state.map((after, i) => ({
        conv: when3(after.conv, s.ssm[i]!.conv),
        memory: when3(after.memory, s.ssm[i]!.memory),
      })),
      ...(read.sliding ? { sliding: read.sliding } : {}),
    },
  }
}

/** Every token by the Transformer over its own window [outputs | last tokens]; the last place is its hidden state. */
function windows<T>(op: Ops<T>, c: Config, p: Params<T>, ids: T, rows: T, s: State<T>): { hidden: T; sliding?: never } {
  const [ofOutputs, ofTokens] = op.split(p.positions!, [c.outputs, c.tokens], 0) as [T, T]
  const order = op.reshape(op.add(op.iota(ids, 1), op.constant(1)), [1, -1, 1])
  const held = op.minimum(op.add(op.reshape(s.filled, [0, 1, 1]), order), op.constant(c.tokens)) // (B, S, 1)
  const first = {
    memory: op.dropout(op.add(s.outputs, ofOutputs), c.dropout),
    tokens: op.dropout(op.add(unfold(op, rows, c.tokens, c.width), ofTokens), c.dropout),
    emptyMemory: emptyMask(op, s.writes, c.outputs),
    emptyTokens: emptyMask(op, held, c.tokens),
    sizes: [c.outputs, c.tokens] as const,
  }
  const done = p.blocks!.reduce((w, block, i) => gptBlock(op, c, block, w, i === c.layers - 1), first)
  return { hidden: layerNorm(op, p.norm, op.reshape(done.tokens, [0, 0, c.width])) }
}

/** Every token once: banded attention over the last tokens, and cross attention to the outputs. */
function sliding<T>(op: Ops<T>, c: Config, p: Params<T>, ids: T, s: State<T>) {
  const empty = op.reshape(emptyMask(op, s.writes, c.outputs), [0, 1, -1]) //                    (B, 1, N)
  let x = op.dropout(op.gather(p.embed, ids), c.dropout)
  const caches = p.sliding!.map((block, i) => {
    const near = attention(
      op,
      local(c),
      block.attention,
      layerNorm(op, block.attentionNorm, x),
      s.sliding![i]!,
      s.filled,
    )
    x = op.add(x, op.dropout(near.y, c.dropout))
    const far = cross(op, c.width, block.read, layerNorm(op, block.readNorm, x), s.outputs, empty)
    x = op.layer(gptFeedForward(op, c, block, op.add(x, op.dropout(far, c.dropout))), i)
    return near.state
  })
  return { hidden: layerNorm(op, p.norm, x), sliding: caches }
}
