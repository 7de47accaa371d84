/**
 * Mixture of Chapters: a Transformer whose layers also read banks of learned rows, whole or by chapters that a router
 * chooses. Corrected against its first publication: routing looks at the token or at a window that has passed, not at
 * the whole row, which would tell a token what comes after it.
 */
import { define } from '../architecture.ts'
import { choice, type ConfigOf, count, real, requiresEvenChannels } from '../config.ts'
import { attention, attentionParams, attentionState, fillAfter } from '../layers/attention.ts'
import { bankParams, keysAndValues } from '../layers/memory-bank.ts'
import { mlp, mlpParams } from '../layers/mlp.ts'
import { memoryLayerParams, memoryLayerState, memoryLayer } from '../layers/memory-layer.ts'
import { bankCount, bankOf, checkMemory, memoryFields, memoryLayers } from '../layers/placement.ts'
import { matrix, type Spec, stateOf, vector } from '../spec.ts'

const fields = {
  vocab: count(256, 'size of the vocabulary'),
  width: count(128, 'width of the model', 1, 65_536),
  layers: count(4, 'number of layers', 1, 1024),
  heads: count(4, 'attention heads; must divide the width into even channels'),
  window: count(128, 'tokens that attention sees, the current one included', 2),
  hidden: count(352, 'width of the feed-forward layers'),
  rope: real(10_000, 'base of the rotary position embedding', 1, 1e9),
  dropout: real(0, 'dropout rate in training', 0, 0.9),
  block: choice('A', ['A', 'B'], 'order: attention, memory, feed-forward; or with a feed-forward on both sides'),
  ...memoryFields,
}
type Config = ConfigOf<typeof fields>

interface Block {
  readonly attentionNorm: Spec
  readonly attention: ReturnType<typeof attentionParams>
  readonly beforeNorm?: Spec
  readonly before?: ReturnType<typeof mlpParams>
  readonly memoryNorm?: Spec
  readonly memory?: ReturnType<typeof memoryLayerParams>
  readonly feedForwardNorm: Spec
  readonly feedForward: ReturnType<typeof mlpParams>
}
interface BlockState {
  readonly attention: ReturnType<typeof attentionState>
  readonly memory: ReturnType<typeof memoryLayerState>
}

const remembering = (c: Config): Partial<Block> => ({
  ...(c.block === 'B' ? { beforeNorm: vector([c.width], 1), before: mlpParams(c.width, c.hidden) } : {}),
  memoryNorm: vector([c.width], 1),
  memory: memoryLayerParams(c, c.width),
})

export const moc = define({
  name: 'moc',
  about: 'Mixture of Chapters: a Transformer that reads banks of learned rows, whole or by routed chapters',
  fields,
  check(c) {
    requiresEvenChannels('moc', c.width, c.heads)
    checkMemory('moc', c, c.width, c.layers)
  },
  trainingOnly: (c) =>
    c.chapters > 0 && c.routing.startsWith('sequence')
      ? `routing: ${c.routing} chooses chapters by the whole row, also by what comes after a token, which nobody can serve`
      : undefined,
  layers: (c) => c.layers,
  params: (c) => ({
    embed: matrix([c.vocab, c.width], 0.02),
    banks: Array.from({ length: bankCount(c, c.layers) }, () => bankParams(c, c.width)),
    blocks: Array.from({ length: c.layers }, (_, i): Block => ({
      attentionNorm: vector([c.width], 1),
      attention: attentionParams(c),
      ...(memoryLayers(c, c.layers).includes(i) ? remembering(c) : {}),
      feedForwardNorm: vector([c.width], 1),
      feedForward: mlpParams(c.width, c.hidden),
    })),
    norm: vector([c.width], 1),
  }),
  state: (c) => ({
    filled: stateOf(1),
    blocks: Array.from({ length: c.layers }, (_, i): BlockState => ({
      attention: attentionState(c),
      memory: memoryLayers(c, c.layers).includes(i) ? memoryLayerState(c) : {},
    })),
  }),
  forward(op, c, p, ids, s) {
    type T = typeof ids
    let x = op.gather(p.embed, ids) //                                                          (B, T, D)
    const layers = memoryLayers(c, c.layers)
    const losses: T[] = []
    const join = (y: T): T => op.add(x, op.dropout(y, c.dropout))
    const think = (norm: T, layer: (typeof p.blocks)[number]['feedForward']): T =>
      join(mlp(op, c.hidden, layer, op.rmsNorm(x, norm, 1e-5)))
    const blocks = p.blocks.map((block, i) => {
      const past = s.blocks[i]!
      const normed = op.rmsNorm(x, block.attentionNorm, 1e-5)
      const local = attention(op, c, block.attention, normed, past.attention, s.filled)
      x = join(local.y)
      if (block.before && block.beforeNorm) x = think(block.beforeNorm, block.before)
      let memory = past.memory
      if (block.memory && block.memoryNorm) {
        const name = `memory.${i}`
        const rows = keysAndValues(op, c, c.width, name, p.banks[bankOf(c, layers.indexOf(i))]!, block.memory)
        const about = op.rmsNorm(x, block.memoryNorm, 1e-5)
        const read = memoryLayer(op, c, c.width, name, block.memory, rows, about, past.memory)
        x = join(read.y)
        memory = read.state
        if (read.loss !== undefined) losses.push(read.loss)
      }
      x = op.layerHook(think(block.feedForwardNorm, block.feedForward), i)
      return { attention: local.state, memory }
    })
    if (losses.length > 0) {
      const total = losses.reduce((a, b) => op.add(a, b))
      op.addLoss(op.mul(total, op.constant(1 / losses.length)))
    }
    return {
      hidden: op.rmsNorm(x, p.norm, 1e-5),
      state: { filled: fillAfter(op, ids, s.filled, c.window), blocks },
    }
  },
  logits: (op, _, p, hidden) => op.matmul(hidden, op.transpose(p.embed, [1, 0])),
})
