/**
 * The base of HMST (Hierarchical Memory-State Transformer): a Transformer whose feed-forward layers are mixtures of
 * experts. Attention is windowed with rotary positions, so that a conversation does not end at a longest sequence.
 */
import { type Architecture, define } from '../architecture.ts'
import { choice, count, real, requires, requiresEvenChannels } from '../config.ts'
import { attention, attentionParams, attentionState, fillAfter } from '../layers/attention.ts'
import { experts, expertsParams } from '../layers/experts.ts'
import { layerNorm, layerNormParams } from '../layers/layer-norm.ts'
import { matrix, stateOf } from '../spec.ts'

/** The published sizes; their longest sequence is not among them, since `window` decides what a session costs. */
export const presets = {
  micro: { width: 256, layers: 4, heads: 4, hidden: 1024, experts: 1, topExperts: 1 },
  tiny: { width: 512, layers: 6, heads: 8, hidden: 2048, experts: 4, topExperts: 2 },
  small: { width: 1024, layers: 12, heads: 16, hidden: 4096, experts: 4, topExperts: 2 },
  base: { width: 2048, layers: 24, heads: 32, hidden: 8192, experts: 8, topExperts: 2 },
  large: { width: 4096, layers: 32, heads: 32, hidden: 16_384, experts: 16, topExperts: 2 },
} as const

const fields = {
  preset: choice('none', ['none', ...Object.keys(presets)], 'sizes that the options below change'),
  vocab: count(256, 'size of the vocabulary'),
  width: count(128, 'width of the model', 1, 65_536),
  layers: count(4, 'number of layers', 1, 1024),
  heads: count(4, 'attention heads; must divide the width into even channels'),
  window: count(128, 'tokens that attention sees, the current one included', 2),
  rope: real(10_000, 'base of the rotary position embedding', 1, 1e9),
  hidden: count(256, 'inner width of an expert'),
  experts: count(4, 'experts of a layer', 1, 1024),
  topExperts: count(2, 'experts that a token goes through', 1, 64),
  dispatch: choice('dense', ['dense', 'sparse'], 'run all experts and mask, or only the chosen, a token at a time'),
  loadBalance: real(0.01, 'weight of the load-balance loss', 0, 10),
  zLoss: real(0.001, "weight of the loss on the router's log-sum-exp", 0, 10),
  dropout: real(0, 'dropout rate in training', 0, 0.9),
}

const sized = define({
  name: 'hmst',
  about: 'the base of HMST: a Transformer with mixtures of experts, windowed attention and a bias for its experts',
  fields,
  check(c) {
    requiresEvenChannels('hmst', c.width, c.heads)
    requires(
      c.topExperts <= c.experts,
      `hmst.topExperts: expected at most the ${c.experts} experts, got ${c.topExperts}`,
    )
  },
  params: (c) => ({
    embed: matrix([c.vocab, c.width], 0.02),
    blocks: Array.from({ length: c.layers }, () => ({
      attentionNorm: layerNormParams(c.width),
      attention: attentionParams(c),
      expertsNorm: layerNormParams(c.width),
      experts: expertsParams(c),
    })),
    norm: layerNormParams(c.width),
  }),
  state: (c) => ({
    filled: stateOf(1),
    // Added to every router's logits. The model passes it on unchanged: who holds the session may set it
    expertBias: stateOf(c.experts),
    blocks: Array.from({ length: c.layers }, () => attentionState(c)),
  }),
  layers: (c) => c.layers,
  forward(op, c, p, ids, s) {
    let x = op.gather(p.embed, ids) //                                                          (B, T, D)
    const losses: (typeof x)[] = []
    const blocks = p.blocks.map((block, i) => {
      const read = attention(op, c, block.attention, layerNorm(op, block.attentionNorm, x), s.blocks[i]!, s.filled)
      x = op.add(x, op.dropout(read.y, c.dropout))
      const mlpOut = experts(op, c, block.experts, layerNorm(op, block.expertsNorm, x), s.expertBias)
      losses.push(mlpOut.loss)
      x = op.layerHook(op.add(x, op.dropout(mlpOut.y, c.dropout)), i)
      return read.state
    })
    const total = losses.reduce((a, b) => op.add(a, b))
    op.addLoss(op.mul(total, op.constant(1 / c.layers)))
    return {
      hidden: layerNorm(op, p.norm, x),
      state: { filled: fillAfter(op, ids, s.filled, c.window), expertBias: s.expertBias, blocks },
    }
  },
  logits: (op, _, p, hidden) => op.matmul(hidden, op.transpose(p.embed, [1, 0])),
})

/** A preset's sizes are defaults: what is named beside it wins. */
export const hmst: Architecture = {
  ...sized,
  model: (options) => sized.model({ ...presets[options['preset'] as keyof typeof presets], ...options }),
}
