/** The baseline: a sliding-window Transformer without memory. */
import { define } from '../architecture.ts'
import { count, real, requiresEvenChannels } from '../config.ts'
import { attention, attentionParams, attentionState, fillAfter } from '../layers/attention.ts'
import { mlp, mlpParams } from '../layers/mlp.ts'
import { matrix, stateOf, vector } from '../spec.ts'

const fields = {
  vocab: count(256, 'size of the vocabulary'),
  width: count(128, 'width of the model', 1, 65_536),
  layers: count(4, 'number of layers', 1, 1024),
  heads: count(4, 'attention heads; must divide the width into even channels'),
  window: count(128, 'tokens that attention sees, the current one included', 2),
  hidden: count(352, 'width of the feed-forward layers'),
  rope: real(10_000, 'base of the rotary position embedding', 1, 1e9),
  dropout: real(0, 'dropout rate in training', 0, 0.9),
}

export const vanilla = define({
  name: 'vanilla',
  about: 'decoder-only Transformer: RMSNorm, RoPE, SwiGLU, tied embedding, sliding-window attention',
  fields,
  check(c) {
    requiresEvenChannels('vanilla', c.width, c.heads)
  },
  params: (c) => ({
    embed: matrix([c.vocab, c.width], 0.02),
    blocks: Array.from({ length: c.layers }, () => ({
      attentionNorm: vector([c.width], 1),
      attention: attentionParams(c),
      feedForwardNorm: vector([c.width], 1),
      feedForward: mlpParams(c.width, c.hidden),
    })),
    norm: vector([c.width], 1),
  }),
  state: (c) => ({ filled: stateOf(1), blocks: Array.from({ length: c.layers }, () => attentionState(c)) }),
  layers: (c) => c.layers,
  forward(op, c, p, ids, s) {
    let x = op.gather(p.embed, ids) //                                                          (B, T, D)
    const blocks = p.blocks.map((block, i) => {
      const read = attention(op, c, block.attention, op.rmsNorm(x, block.attentionNorm, 1e-5), s.blocks[i]!, s.filled)
      x = op.add(x, op.dropout(read.y, c.dropout))
      const mlpOut = mlp(op, c.hidden, block.feedForward, op.rmsNorm(x, block.feedForwardNorm, 1e-5))
      x = op.layerHook(op.add(x, op.dropout(mlpOut, c.dropout)), i)
      return read.state
    })
    return { hidden: op.rmsNorm(x, p.norm, 1e-5), state: { filled: fillAfter(op, ids, s.filled, c.window), blocks } }
  },
  logits: (op, _, p, hidden) => op.matmul(hidden, op.transpose(p.embed, [1, 0])),
})
