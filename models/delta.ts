/** Our session memory: sliding-window attention for the last words, gated delta memories for all that came before. */
import { define } from './architecture.ts'
import { choice, type ConfigOf, count, real, requires } from './config.ts'
import { attention, attentionParams, attentionState, fillAfter } from './layers/attention.ts'
import { delta as deltaLayer, type DeltaConfig, deltaParams, deltaState } from './layers/delta.ts'
import { feedForward, feedForwardParams } from './layers/feed-forward.ts'
import { matrix, type Spec, stateOf, vector } from './spec.ts'

const fields = {
  vocab: count(256, 'size of the vocabulary'),
  width: count(128, 'width of the model'),
  layers: {
    default: 'adad',
    help: 'the mixers in order: a sliding-window attention, d gated delta memory',
    pattern: /^[ad]+$/,
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
  dropout: real(0, 'dropout rate in training', 0, 0.9),
}

type Config = ConfigOf<typeof fields>

interface Block {
  readonly norm: Spec
  readonly attention?: ReturnType<typeof attentionParams>
  readonly delta?: ReturnType<typeof deltaParams>
  readonly feedForwardNorm?: Spec
  readonly feedForward?: ReturnType<typeof feedForwardParams>
}
interface BlockState {
  readonly attention?: ReturnType<typeof attentionState>
  readonly delta?: ReturnType<typeof deltaState>
}

const memory = (c: Config): DeltaConfig => ({
  width: c.width,
  heads: c.memoryHeads,
  keys: c.keys,
  values: c.values,
  conv: c.conv,
  decay: c.decay as DeltaConfig['decay'],
  betaMax: c.betaMax,
  products: c.products,
  cache: c.cache,
  cacheHalfLife: c.cacheHalfLife,
})

const thinking = (c: Config) =>
  c.hidden === 0 ? {} : { feedForwardNorm: vector([c.width], 1), feedForward: feedForwardParams(c.width, c.hidden) }

export const delta = define({
  name: 'delta',
  about: 'sliding-window attention and gated delta memories in turn, with a short convolution before each memory',
  fields,
  check(c) {
    requires(
      c.width % (2 * c.heads) === 0,
      `delta.heads: ${c.heads} heads do not split width ${c.width} into even channels`,
    )
    requires(
      c.cacheHalfLife === 0 || c.cacheHalfLife >= 64,
      `delta.cacheHalfLife: expected 0 or at least 64 tokens (float32 has to hold 2^(piece / half-life)), got ${c.cacheHalfLife}`,
    )
  },
  params: (c) => ({
    embed: matrix([c.vocab, c.width], 0.02),
    blocks: Array.from(c.layers, (kind): Block => ({
      norm: vector([c.width], 1),
      ...(kind === 'a' ? { attention: attentionParams(c) } : { delta: deltaParams(memory(c)) }),
      ...thinking(c),
    })),
    norm: vector([c.width], 1),
  }),
  state: (c) => ({
    filled: stateOf(1),
    blocks: Array.from(c.layers, (kind): BlockState =>
      kind === 'a' ? { attention: attentionState(c) } : { delta: deltaState(memory(c)) },
    ),
  }),
  layers: (c) => c.layers.length,
  forward(op, c, p, ids, s) {
    let x = op.gather(p.embed, ids) //                                                          (B, T, D)
    const blocks = p.blocks.map((block, i) => {
      const past = s.blocks[i]!
      const normed = op.rmsNorm(x, block.norm, 1e-5)
      const { y, state } = mix(normed, block, past)
      x = op.add(x, op.dropout(y, c.dropout))
      if (block.feedForward && block.feedForwardNorm) {
        const thought = feedForward(op, c.hidden, block.feedForward, op.rmsNorm(x, block.feedForwardNorm, 1e-5))
        x = op.add(x, op.dropout(thought, c.dropout))
      }
      x = op.layer(x, i)
      return state
    })
    return { hidden: op.rmsNorm(x, p.norm, 1e-5), state: { filled: fillAfter(op, ids, s.filled, c.window), blocks } }

    function mix(normed: typeof x, block: (typeof p.blocks)[number], past: (typeof s.blocks)[number]) {
      if (block.attention && past.attention) {
        const read = attention(op, c, block.attention, normed, past.attention, s.filled)
        return { y: read.y, state: { attention: read.state } }
      }
      const read = deltaLayer(op, memory(c), block.delta!, normed, past.delta!)
      return { y: read.y, state: { delta: read.state } }
    }
  },
  logits: (op, _, p, hidden) => op.matmul(hidden, op.transpose(p.embed, [1, 0])),
})
