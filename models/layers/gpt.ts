/**
 * GPT-2's block (Radford et al. 2019), run over many windows at once: each window is a few memory rows that it shares
 * with others, and then tokens of its own. Letters: S windows of one row, N memory rows, M tokens of a window, C channels.
 */
import { attend } from '../composites.ts'
import type { Ops } from '../ops.ts'
import type { Of } from '../spec.ts'
import { matrix, vector } from '../spec.ts'
import { layerNorm, layerNormParams } from './slots.ts'
import { causalMask } from './window.ts'

export interface GptConfig {
  readonly width: number
  readonly heads: number
  /** Width of the feed-forward layer, in widths. */
  readonly expansion: number
  readonly dropout: number
}

export const gptFeedForwardParams = (c: GptConfig) => ({
  feedForwardNorm: layerNormParams(c.width),
  up: matrix([c.width, c.expansion * c.width]),
  upBias: vector([c.expansion * c.width], 0),
  down: matrix([c.expansion * c.width, c.width]),
  downBias: vector([c.width], 0),
})

export const gptParams = (c: GptConfig) => ({
  attentionNorm: layerNormParams(c.width),
  qkv: matrix([c.width, 3 * c.width]),
  qkvBias: vector([3 * c.width], 0),
  output: matrix([c.width, c.width]),
  outputBias: vector([c.width], 0),
  ...gptFeedForwardParams(c),
})

type Params<T> = Of<ReturnType<typeof gptParams>, T>

/** x + MLP(LN(x)), with the approximation of GELU that GPT-2 was trained with: x sigmoid(2 sqrt(2/pi) (x + 0.044715 x^3)). */
export function gptFeedForward<T>(
  op: Ops<T>,
  c: GptConfig,
  p: Of<ReturnType<typeof gptFeedForwardParams>, T>,
  x: T,
): T {
  const inner = op.add(op.matmul(layerNorm(op, p.feedForwardNorm, x), p.up), p.upBias)
  const cube = op.mul(op.mul(inner, op.mul(inner, inner)), op.constant(0.044715))
  const bent = op.mul(inner, op.sigmoid(op.mul(op.add(inner, cube), op.constant(2 * Math.sqrt(2 / Math.PI)))))
  return op.add(x, op.dropout(op.add(op.matmul(bent, p.down), p.downBias), c.dropout))
}

/** Windows: memory (B,N,D) shared by all, tokens (B,S,M,D); masks of empty places, to be added to scores. */
export interface Windows<T> {
  readonly memory: T
  readonly tokens: T
  /** (B, N). */
  readonly emptyMemory: T
  /** (B, S, M). */
  readonly emptyTokens: T
  /** N and M. */
  readonly sizes: readonly [memory: number, tokens: number]
}

/**
 * One block over all windows, causal in the order memory, tokens: so the memory's part is the same in each of them and
 * is done once. The `last` block is done for the last token of each window only: tokens (B,S,1,D).
 */
export function gptBlock<T>(op: Ops<T>, c: GptConfig, p: Params<T>, w: Windows<T>, last: boolean): Windows<T> {
  const [width, channels] = [c.width, c.width / c.heads]
  const weights = op.split(p.qkv, [width, width, width], -1)
  const biases = op.split(p.qkvBias, [width, width, width], -1)
  const project = (x: T, i: number): T => op.add(op.matmul(x, weights[i]!), biases[i]!)
  const ofMemory = (x: T): T => op.transpose(op.reshape(x, [0, 0, c.heads, channels]), [0, 2, 1, 3]) //  (B, H, N, C)
  const ofTokens = (x: T, rows: number): T =>
    op.transpose(op.reshape(x, [0, 0, rows, c.heads, channels]), [0, 3, 1, 2, 4]) //                     (B, H, S, rows, C)
  const finish = (x: T, y: T): T => {
    const mixed = op.add(op.matmul(y, p.output), p.outputBias)
    return gptFeedForward(op, c, p, op.add(x, op.dropout(mixed, c.dropout)))
  }

  const [n, m] = w.sizes
  const rows = last ? 1 : m
  const memory = layerNorm(op, p.attentionNorm, w.memory)
  const tokens = layerNorm(op, p.attentionNorm, w.tokens)
  const asking = last ? op.slice(tokens, 2, -1) : tokens
  const [memoryKeys, memoryValues] = [ofMemory(project(memory, 1)), ofMemory(project(memory, 2))]
  const [keys, values] = [ofTokens(project(tokens, 1), m), ofTokens(project(tokens, 2), m)]

  const q = op.mul(ofTokens(project(asking, 0), rows), op.constant(1 / Math.sqrt(channels)))
  const flat = op.reshape(q, [0, c.heads, -1, channels]) //                                              (B, H, S*rows, C)
  const toMemory = op.reshape(op.matmul(flat, op.transpose(memoryKeys, [0, 1, 3, 2])), [0, c.heads, -1, rows, n])
  const toTokens = op.matmul(q, op.transpose(keys, [0, 1, 2, 4, 3])) //                                  (B, H, S, rows, M)
  const emptyTokens = op.reshape(w.emptyTokens, [0, 1, -1, 1, m])
  const shares = op.softmax(
    op.concat(
      [
        op.add(toMemory, op.reshape(w.emptyMemory, [0, 1, 1, 1, n])),
        op.add(toTokens, last ? emptyTokens : op.add(emptyTokens, causalMask(op, m))),
      ],
      -1,
    ),
  )
  const [memoryShares, tokenShares] = op.split(shares, [n, m], -1) as [T, T]
  const recalled = op.matmul(op.reshape(memoryShares, [0, c.heads, -1, n]), memoryValues) //             (B, H, S*rows, C)
  const y = op.add(op.matmul(tokenShares, values), op.reshape(recalled, [0, c.heads, -1, rows, channels]))
  const read = op.reshape(op.transpose(y, [0, 2, 3, 1, 4]), [0, 0, rows, width])
  const nextTokens = finish(last ? op.slice(w.tokens, 2, -1) : w.tokens, read)
  if (last) return { ...w, tokens: nextTokens, sizes: [n, 1] }

  const allowed = op.less(op.constant(-0.5), op.add(op.reshape(w.emptyMemory, [0, 1, 1, n]), causalMask(op, n)))
  const own = attend(op, ofMemory(project(memory, 0)), memoryKeys, memoryValues, allowed, { channels })
  const ownRead = op.reshape(op.transpose(own, [0, 2, 1, 3]), [0, 0, width])
  return { ...w, tokens: nextTokens, memory: finish(w.memory, ownRead) }
}
