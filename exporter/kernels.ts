/**
 * Memory and SSM operators as functions of the domain `mneme`, with ONNX Runtime's fused kernels or plain primitives
 * as their bodies; and every workaround for ONNX Runtime that a traced decoder needs.
 *
 * Fused kernels (domain com.microsoft, ONNX Runtime >= 1.26, docs/ContribOperators.md of microsoft/onnxruntime):
 * LinearAttention takes q k v packed as (B, T, H*.), decay in log space; scale 0 would mean 1/sqrt(K).
 * CausalConvWithState wants (B, C, T) and weights (C, 1, K).
 */
import { withComposites } from '../models/composites.ts'
import type { Composites, Ops, Primitives } from '../models/ops.ts'
import { attentionKernels } from './attention-kernels.ts'
import { kvCaches, type KvCaches } from './kv-cache.ts'
import type { GraphBuilder, Value } from './onnx/graph.ts'
import { type Cursor, tracer } from './trace.ts'

/** `fused` runs fastest and needs ONNX Runtime; `portable` runs wherever ONNX opset 21 does. */
export type Kernels = 'fused' | 'portable'

/** The vocabulary for a decoder graph: memory operators become calls of mneme functions. */
export function decoderOps(
  cursor: Cursor,
  kernels: Kernels,
  maxPositions: number | null = null,
  kv: KvCaches = kvCaches('float32'),
): Ops<Value> {
  const op = { ...tracer(cursor), softplus: (x: Value) => softplusByFours(cursor.at, x) }
  return withComposites<Value>(op, {
    ...(kernels === 'fused' ? attentionKernels(cursor, maxPositions, kv) : {}),
    gatedDelta(x) {
      const formal = ['q', 'k', 'v', 'g', 'beta', 'memory']
      const body = kernels === 'fused' ? fusedDelta : (g: GraphBuilder, v: Value[]) => portableDelta(g, v, x)
      const sizes = kernels === 'fused' ? [] : [x.heads, x.keys, x.values]
      const name = cursor.at.define('GatedDelta', formal, ['heads'], body, sizes)
      const inputs = [x.q, x.k, x.v, x.g, x.beta, x.memory]
      const [y, memory] = cursor.at.node(name, inputs, { heads: { int: x.heads } }, 2, 'mneme')
      return { y: y!, memory: memory! }
    },
    causalConv(x) {
      const { activation = 'silu', size } = x
      const body = (g: GraphBuilder, v: Value[]): Value[] =>
        kernels === 'fused' ? fusedConv(g, v, activation) : portableConv(g, v, size, activation)
      const formal = ['x', 'weight', 'past', ...(x.bias ? ['bias'] : [])]
      const sizes = [...(activation === 'silu' ? [] : [activation]), ...(kernels === 'fused' ? [] : [size])]
      const name = cursor.at.define(x.bias ? 'CausalConvBias' : 'CausalConv', formal, [], body, sizes)
      const inputs = [x.x, x.weight, x.past, ...(x.bias ? [x.bias] : [])]
      const [y, past] = cursor.at.node(name, inputs, {}, 2, 'mneme')
      return { y: y!, past: past! }
    },
    selectiveScan(x) {
      const formal = ['x', 'dt', 'A', 'B', 'C', 'memory']
      const body = kernels === 'fused' ? fusedScan : (g: GraphBuilder, v: Value[]) => portableScan(g, v, x)
      const sizes = kernels === 'fused' ? [] : [x.channels]
      const name = cursor.at.define('SelectiveScan', formal, ['channels'], body, sizes)
      const inputs = [x.x, x.dt, x.A, x.B, x.C, x.memory]
      const [y, memory] = cursor.at.node(name, inputs, { channels: { int: x.channels } }, 2, 'mneme')
      return { y: y!, memory: memory! }
    },
  })
}

/**
 * Softplus whose bits do not depend on what else is in the batch: the kernel computes elements by fours and the rest
 * of the tensor with another formula, so each element gets a group of four of its own.
 */
function softplusByFours(graph: GraphBuilder, x: Value): Value {
  const last = graph.constant('int64', [1], [-1])
  const column = graph.node('Unsqueeze', [x, last])[0]!
  const four = graph.node('Concat', [column, column, column, column], { axis: { int: -1 } })[0]!
  const y = graph.node('Softplus', [four])[0]!
  const [zero, one] = [0, 1].map((n) => graph.constant('int64', [1], [n]))
  return graph.node('Squeeze', [graph.node('Slice', [y, zero, one, last])[0]!, last])[0]!
}

function fusedDelta(graph: GraphBuilder, [q, k, v, g, beta, memory]: Value[]): Value[] {
  const rows = graph.constant('int64', [3], [0, 0, -1])
  const pack = (x: Value): Value => graph.node('Reshape', [x, rows])[0]! //                    (B, T, H*.)
  const [y, next] = graph.node(
    'LinearAttention',
    [pack(q!), pack(k!), pack(v!), memory!, pack(g!), pack(beta!)],
    {
      q_num_heads: { reference: 'heads', kind: 'int' },
      kv_num_heads: { reference: 'heads', kind: 'int' },
      update_rule: { string: 'gated_delta' },
      scale: { float: 1 },
    },
    2,
    'com.microsoft',
  )
  const shape = graph.node('Shape', [v!])[0]!
  return [graph.node('Reshape', [y!, shape])[0]!, next!]
}

function fusedConv(graph: GraphBuilder, [x, weight, past, bias]: Value[], activation: 'silu' | 'none'): Value[] {
  const flip = { perm: { ints: [0, 2, 1] } }
  const channelsFirst = graph.node('Transpose', [x!], flip)[0]! //                              (B, C, T)
  const taps = graph.node('Transpose', [weight!], { perm: { ints: [1, 0] } })[0]! //            (C, K)
  const kernel = graph.node('Unsqueeze', [taps, graph.constant('int64', [1], [1])])[0]! //      (C, 1, K)
  const [y, next] = graph.node(
    'CausalConvWithState',
    [channelsFirst, kernel, bias, past!],
    { activation: { string: activation } },
    2,
    'com.microsoft',
  )
  return [graph.node('Transpose', [y!], flip)[0]!, next!]
}

/** Each channel is a head with N keys and one value: the gated rule with q = C, k = B, v = dt x. */
function fusedScan(graph: GraphBuilder, [x, dt, A, B, C, memory]: Value[]): Value[] {
  const [rows, two, last] = [[0, 0, -1], [2], [-1]].map((v) => graph.constant('int64', [v.length], v))
  const decay = graph.node('Mul', [graph.node('Unsqueeze', [dt!, last])[0]!, A!])[0]! //   (B, T, E, N)
  const shape = graph.node('Shape', [decay])[0]!
  const pack = (x: Value): Value => graph.node('Reshape', [x, rows])[0]! //                     (B, T, E*N)
  const each = (x: Value): Value => pack(graph.node('Expand', [graph.node('Unsqueeze', [x, two])[0]!, shape])[0]!)
  const value = graph.node('Mul', [dt!, x!])[0]! //                                             (B, T, E)
  const heads = { reference: 'channels', kind: 'int' } as const
  const [y, next] = graph.node(
    'LinearAttention',
    [each(C!), each(B!), value, graph.node('Unsqueeze', [memory!, last])[0]!, pack(decay)],
    { q_num_heads: heads, kv_num_heads: heads, update_rule: { string: 'gated' }, scale: { float: 1 } },
    2,
    'com.microsoft',
  )
  return [y!, graph.node('Squeeze', [next!, last])[0]!]
}

type DeltaSizes = Parameters<Composites<Value>['gatedDelta']>[0]

function portableDelta(graph: GraphBuilder, [q, k, v, g, beta, memory]: Value[], sizes: DeltaSizes): Value[] {
  const done = plain(graph).gatedDelta({ ...sizes, q: q!, k: k!, v: v!, g: g!, beta: beta!, memory: memory! })
  return [done.y, done.memory]
}

function portableScan(graph: GraphBuilder, [x, dt, A, B, C, memory]: Value[], { channels }: { channels: number }) {
  const inputs = { x: x!, dt: dt!, A: A!, B: B!, C: C!, memory: memory!, channels }
  const done = plain(graph).selectiveScan(inputs)
  return [done.y, done.memory]
}

function portableConv(
  graph: GraphBuilder,
  [x, weight, past, bias]: Value[],
  size: number,
  activation: 'silu' | 'none',
): Value[] {
  const done = plain(graph).causalConv({ x: x!, weight: weight!, past: past!, size, bias, activation })
  return [done.y, done.past]
}

/** The default bodies, traced into a function. */
const plain = (graph: GraphBuilder): Ops<Value> =>
  withComposites<Value>(tracer({ at: graph }) satisfies Primitives<Value>)
