/**
 * What published decoders are made of, on ONNX Runtime's own operators (domain com.microsoft, ONNX Runtime >= 1.26,
 * docs/ContribOperators.md of microsoft/onnxruntime).
 *
 * GroupQueryAttention takes q (B,T,H*C), k and v (B,T,G*C), and writes them into caches (B,G,capacity,C) at the positions
 * of each row; more than one token of more than one row only at the beginning. LinearAttention takes q k v packed.
 */
import type { CachedAttention, Composites, GatedAttention, RotaryTable } from '../models/ops.ts'
import type { Attribute, GraphBuilder, Value } from './onnx/graph.ts'
import type { Cursor } from './trace.ts'

/** The input that says how many tokens each row has been fed, int32 (B). */
export const POSITIONS = 'positions'

type Overrides = Pick<Composites<Value>, 'cachedAttention' | 'rotary' | 'gatedAttention'>

/** The fused forms, for a graph with the input `positions`. */
export function attentionKernels(cursor: Cursor): Overrides {
  // Made once for each graph: all layers share them.
  const shared = new Map<GraphBuilder, { seqlens: Value; total: Value }>()
  const lengths = (x: Value) => {
    const found = shared.get(cursor.at) ?? cacheLengths(cursor.at, x)
    shared.set(cursor.at, found)
    return found
  }
  const ids = new Map<Value, { cos: Value; sin: Value; positions: Value }>()
  return {
    cachedAttention: (x) => cachedAttention(cursor.at, x, lengths(x.q)),
    rotary(x, how) {
      const table = ids.get(how.cos) ?? flatTable(cursor.at, how)
      ids.set(how.cos, table)
      const attributes = { num_heads: { int: how.heads }, rotary_embedding_dim: { int: how.rotated } }
      return node(cursor.at, 'RotaryEmbedding', [x, table.positions, table.cos, table.sin], attributes)
    },
    gatedAttention: (x) => gatedAttention(cursor.at, x),
  }
}

const node = (
  graph: GraphBuilder,
  type: string,
  inputs: readonly (Value | undefined)[],
  attributes: Readonly<Record<string, Attribute>>,
): Value => graph.node(type, inputs, attributes, 1, 'com.microsoft')[0]!

/** seqlens_k: of each row the index of its last position after this call; total_sequence_length: of the longest row. */
function cacheLengths(graph: GraphBuilder, x: Value): { seqlens: Value; total: Value } {
  const one = graph.constant('int32', [1], [1])
  const size = graph.node('Shape', [x], { start: { int: 1 }, end: { int: 2 } })[0]!
  const time = graph.node('Cast', [size], { to: { int: 6 } })[0]!
  const after = graph.node('Add', [{ name: POSITIONS }, time])[0]!
  const longest = graph.node('ReduceMax', [after], { keepdims: { int: 0 } })[0]!
  return { seqlens: graph.node('Sub', [after, one])[0]!, total: longest }
}

function cachedAttention(
  graph: GraphBuilder,
  x: CachedAttention<Value>,
  { seqlens, total }: { seqlens: Value; total: Value },
): { y: Value; k: Value; v: Value } {
  const attributes: Record<string, Attribute> = {
    num_heads: { int: x.heads },
    kv_num_heads: { int: x.kvHeads },
    scale: { float: x.scale },
    ...(x.window === undefined ? {} : { local_window_size: { int: x.window } }),
    ...(x.softcap === undefined ? {} : { softcap: { float: x.softcap } }),
  }
  const before = [x.q, x.k, x.v, x.past.k, x.past.v, seqlens, total]
  // Behind these: cos_cache, sin_cache, position_ids, attention_bias, head_sink.
  const sinks = x.sinks === undefined ? [] : [undefined, undefined, undefined, undefined, x.sinks]
  const outputs = graph.node('GroupQueryAttention', [...before, ...sinks], attributes, 3, 'com.microsoft')
  const [y, k, v] = outputs as [Value, Value, Value]
  return { y, k, v }
}

/** Angles of all tokens as the rows of a table, and which row is whose: the operator looks angles up by position. */
function flatTable(graph: GraphBuilder, { cos, sin, rotated }: RotaryTable<Value>) {
  const rows = graph.constant('int64', [2], [-1, rotated / 2])
  const flat = (x: Value): Value => graph.node('Reshape', [x, rows])[0]!
  const shape = graph.node('Shape', [cos], { start: { int: 0 }, end: { int: 2 } })[0]!
  const count = graph.node('ReduceProd', [shape], { keepdims: { int: 0 } })[0]!
  const [zero, one] = [0, 1].map((n) => graph.constant('int64', [], [n]))
  const each = graph.node('Range', [zero, count, one])[0]!
  return { cos: flat(cos), sin: flat(sin), positions: graph.node('Reshape', [each, shape])[0]! }
}

function gatedAttention(graph: GraphBuilder, x: GatedAttention<Value>): { y: Value; memory: Value } {
  const rows = graph.constant('int64', [3], [0, 0, -1])
  const pack = (value: Value): Value => graph.node('Reshape', [value, rows])[0]! //            (B, T, H*.)
  const heads = { int: x.heads }
  const [y, memory] = graph.node(
    'LinearAttention',
    [pack(x.q), pack(x.k), pack(x.v), x.memory, pack(x.g)],
    { q_num_heads: heads, kv_num_heads: heads, update_rule: { string: 'gated' }, scale: { float: 1 } },
    2,
    'com.microsoft',
  )
  const shape = graph.constant('int64', [4], [0, 0, x.heads, x.values])
  return { y: graph.node('Reshape', [y!, shape])[0]!, memory: memory! }
}
