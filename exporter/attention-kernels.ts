/**
 * What published decoders are made of, on ONNX Runtime's own operators (domain com.microsoft, ONNX Runtime >= 1.26,
 * docs/ContribOperators.md of microsoft/onnxruntime).
 *
 * GroupQueryAttention takes q (B,T,H*C), k and v (B,T,G*C), and writes them into caches (B,G,capacity,C) at the positions
 * of each row; more than one token of more than one row only at the beginning. LinearAttention takes q k v packed.
 */
import type { CachedAttention, Composites, GatedAttention, RotaryTable, SharedAttention } from '../models/ops.ts'
import type { KvCaches } from './kv-cache.ts'
import { elementTypes, type Attribute, type ElementType, type GraphBuilder, type Value } from './onnx/graph.ts'
import type { Cursor } from './trace.ts'

/** The input that says how many tokens each row has been fed, int32 (B). */
export const POSITIONS = 'positions'

type Overrides = Pick<
  Composites<Value>,
  'cachedAttention' | 'sharedAttention' | 'rotary' | 'gatedAttention' | 'rmsNorm'
>

/** The largest table of cosines or sines that is written into a graph, in numbers. */
const LARGEST_TABLE = 1 << 20

/**
 * The fused forms, for a graph with the input `positions`. Where sequences have at most `maxPositions` tokens and the
 * table of their angles is small, the attention kernel turns queries and keys itself.
 */
export function attentionKernels(cursor: Cursor, maxPositions: number | null, kv: KvCaches): Overrides {
  // Made once for each graph: all layers share them.
  const shared = new Map<GraphBuilder, { seqlens: Value; total: Value }>()
  const lengths = (x: Value) => {
    const found = shared.get(cursor.at) ?? cacheLengths(cursor.at, x)
    shared.set(cursor.at, found)
    return found
  }
  const flat = new Map<Value, { cos: Value; sin: Value; positions: Value }>()
  const turned = new Map<Value, Turned>()
  /** Of keys and values that a layer has written, the state entry. */
  const entries = new Map<Value, Value>()
  const tables = new Map<string, { cos: Value; sin: Value }>()
  const casts = new Map<Value, Value>()
  /** The queries and keys before they were turned, and the table to turn them by. */
  const unturned = (x: CachedAttention<Value>) => {
    const [q, k] = [turned.get(x.q), turned.get(x.k)]
    if (!q || !k || maxPositions === null || q.how.cos !== k.how.cos) return undefined
    const { rotated, channels, frequencies } = q.how
    // The kernel turns whole heads of a multiple of 16 channels.
    if (rotated !== channels || channels % 16 !== 0 || frequencies.length * maxPositions > LARGEST_TABLE)
      return undefined
    const key = JSON.stringify([frequencies, q.how.scale])
    const table = tables.get(key) ?? angleTable(cursor.at, `angles_${tables.size}`, q.how, maxPositions)
    tables.set(key, table)
    return { q: q.x, k: k.x, table }
  }
  return {
    cachedAttention(x) {
      const rotation = turned.get(x.k)
      if (rotation) kv.rotated.set(x.past.k.name, rotation.how.rotated)
      const done = cachedAttention(cursor.at, x, lengths(x.q), unturned(x), kv, casts)
      entries.set(done.k, x.past.k)
      entries.set(done.v, x.past.v)
      return done
    },
    sharedAttention: (x) =>
      sharedAttention(cursor.at, x, lengths(x.q), [entries.get(x.k), entries.get(x.v)], kv, casts),
    rotary(x, how) {
      const table = flat.get(how.cos) ?? flatTable(cursor.at, how)
      flat.set(how.cos, table)
      const attributes = { num_heads: { int: how.heads }, rotary_embedding_dim: { int: how.rotated } }
      const y = node(cursor.at, 'RotaryEmbedding', [x, table.positions, table.cos, table.sin], attributes)
      turned.set(y, { x, how })
      return y
    },
    gatedAttention: (x) => gatedAttention(cursor.at, x),
    rmsNorm: (x, weight, eps) => rmsNorm(cursor.at, x, weight, eps),
  }
}

/** A value that was turned, as it was before. */
interface Turned {
  readonly x: Value
  readonly how: RotaryTable<Value> & { readonly channels: number }
}

/** Cosines and sines of all positions, computed from float32 angles like those of a graph that computes its own. */
function angleTable(graph: GraphBuilder, name: string, { frequencies, scale }: RotaryTable<Value>, positions: number) {
  const dims = [positions, frequencies.length]
  const [cos, sin] = [
    new Float32Array(positions * frequencies.length),
    new Float32Array(positions * frequencies.length),
  ]
  for (let i = 0; i < cos.length; i++) {
    const frequency = Math.fround(frequencies[i % frequencies.length]!)
    const angle = Math.fround(Math.floor(i / frequencies.length) * frequency)
    cos[i] = Math.cos(angle) * scale
    sin[i] = Math.sin(angle) * scale
  }
  return {
    cos: graph.initializer(`${name}.cos`, 'float32', dims, cos),
    sin: graph.initializer(`${name}.sin`, 'float32', dims, sin),
  }
}

/**
 * The norm of a sum that nothing has read yet is one operator with the sum. Else it is in the form that ONNX Runtime knows
 * and makes one operator of: with a power in the place of a product.
 */
function rmsNorm(graph: GraphBuilder, x: Value, weight: Value, eps: number): Value {
  const ofSum = normOfSum(graph, x, weight, eps)
  if (ofSum) return ofSum
  const plain = (type: string, inputs: readonly Value[], attributes = {}): Value =>
    graph.node(type, inputs, attributes)[0]!
  const scalar = (value: number): Value => graph.constant('float32', [], [value])
  const square = plain('Pow', [x, scalar(2)])
  const mean = plain('ReduceMean', [square, graph.constant('int64', [1], [-1])], { keepdims: { int: 1 } })
  const rms = plain('Sqrt', [plain('Add', [mean, scalar(eps)])])
  return plain('Mul', [plain('Div', [x, rms]), weight])
}

/**
 * The norm of x, where x is what a layer adds to the residual stream, [batch, time, width]: the sum of a product with
 * weights and of another value that a node made. The operator takes no other ranks, and nothing to be broadcast.
 */
function normOfSum(graph: GraphBuilder, x: Value, weight: Value, eps: number): Value | undefined {
  const parts = graph.producer(x)?.inputs ?? []
  const makers = parts.map((part) => part && graph.producer(part))
  if (!makers.every((maker) => maker) || !makers.some((maker) => maker && isProjection(graph, maker))) return undefined
  const taken = graph.takeBack(x, 'Add')
  if (!taken) return undefined
  const y = { name: graph.fresh('Norm') }
  const outputs = [y, NOT_ASKED_FOR, NOT_ASKED_FOR, x] // between them mean and inverse, of training
  const attributes = { epsilon: { float: eps } }
  graph.nodeInto('SkipSimplifiedLayerNormalization', [...taken, weight], attributes, outputs, 'com.microsoft')
  return y
}

/** Whether a node multiplies with weights, which no node makes. */
function isProjection(
  graph: GraphBuilder,
  { type, inputs }: NonNullable<ReturnType<GraphBuilder['producer']>>,
): boolean {
  if (type === 'MatMulNBits') return true
  return (type === 'MatMul' || type === 'FusedMatMul') && inputs[1] !== undefined && !graph.producer(inputs[1])
}

const NOT_ASKED_FOR: Value = { name: '' }

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
  own: { q: Value; k: Value; table: { cos: Value; sin: Value } } | undefined,
  kv: KvCaches,
  casts: Map<Value, Value>,
): { y: Value; k: Value; v: Value } {
  const attributes = { ...attentionAttributes(x, kv), ...(own ? { do_rotary: { int: 1 } } : {}) }
  const [q, k] = own ? [own.q, own.k] : [x.q, x.k]
  const packed = wholeOf(graph, [q, k, x.v])
  // The kernel computes in the type of its caches, but for int8.
  const typed = (value: Value | undefined): Value | undefined =>
    value && kv.dtype === 'float16' ? cast(graph, value, 'float16', casts) : value
  const inputs = [
    ...(packed ? [packed, undefined, undefined] : [q, k, x.v]).map(typed),
    x.past.k,
    x.past.v,
    seqlens,
    total,
    typed(own?.table.cos),
    typed(own?.table.sin),
    undefined, // position_ids
    undefined, // attention_bias
    typed(x.sinks),
    ...(kv.dtype === 'int8' ? [x.past.k, x.past.v].map((cache) => scaleOf(graph, cache, x, kv)) : []),
  ]
  return groupQueryAttention(graph, inputs, attributes, kv, casts)
}

/** The node, with y in float32. Inputs that are left out at the end are not written. */
function groupQueryAttention(
  graph: GraphBuilder,
  inputs: readonly (Value | undefined)[],
  attributes: Readonly<Record<string, Attribute>>,
  kv: KvCaches,
  casts: Map<Value, Value>,
): { y: Value; k: Value; v: Value } {
  const given = inputs.slice(0, inputs.findLastIndex((input) => input !== undefined) + 1)
  const [y, k, v] = graph.node('GroupQueryAttention', given, attributes, 3, 'com.microsoft')
  return { y: kv.dtype === 'float16' ? cast(graph, y!, 'float32', casts) : y!, k: k!, v: v! }
}

const INT8_CACHES: Readonly<Record<string, Attribute>> = {
  k_quant_type: { string: 'PER_CHANNEL' },
  v_quant_type: { string: 'PER_CHANNEL' },
  kv_cache_bit_width: { int: 8 },
}

/** The steps of an int8 cache, float32 (1, G, 1, C). */
function scaleOf(
  graph: GraphBuilder,
  cache: Value,
  { kvHeads, channels }: CachedAttention<Value>,
  kv: KvCaches,
): Value {
  const scales = kv.scales.get(cache.name)
  if (scales?.length !== kvHeads * channels)
    throw new RangeError(`${cache.name}: expected ${kvHeads * channels} scales, got ${scales?.length ?? 'none'}`)
  return graph.initializer(`${cache.name}.scale`, 'float32', [1, kvHeads, 1, channels], scales)
}

/** A value in another type; the same node where it has been made already. */
function cast(graph: GraphBuilder, value: Value, to: ElementType, known: Map<Value, Value>): Value {
  const found = known.get(value) ?? graph.node('Cast', [value], { to: { int: elementTypes[to] } })[0]!
  known.set(value, found)
  return found
}

/** The kernel that is given no new keys and values writes nothing, and reads the caches of the layer that wrote them. */
function sharedAttention(
  graph: GraphBuilder,
  x: SharedAttention<Value>,
  { seqlens, total }: { seqlens: Value; total: Value },
  entries: readonly (Value | undefined)[],
  kv: KvCaches,
  casts: Map<Value, Value>,
): Value {
  const half = kv.dtype === 'float16'
  const q = half ? cast(graph, x.q, 'float16', casts) : x.q
  const ints = (...values: number[]): Value => graph.constant('int64', [values.length], values)
  const none = graph.node('Slice', [q, ints(0, 0), ints(0, x.kvHeads * x.channels), ints(1, 2)])[0]! //   (B, 0, G*C)
  const sinks = x.sinks && half ? cast(graph, x.sinks, 'float16', casts) : x.sinks
  const scales = kv.dtype === 'int8' ? entries.map((entry) => ({ name: `${entry!.name}.scale` })) : []
  const inputs = [q, none, none, x.k, x.v, seqlens, total, undefined, undefined, undefined, undefined, sinks, ...scales]
  return groupQueryAttention(graph, inputs, attentionAttributes(x, kv), kv, casts).y
}

const attentionAttributes = (x: SharedAttention<Value>, kv: KvCaches): Record<string, Attribute> => ({
  num_heads: { int: x.heads },
  kv_num_heads: { int: x.kvHeads },
  scale: { float: x.scale },
  ...(x.window === undefined ? {} : { local_window_size: { int: x.window } }),
  ...(x.softcap === undefined ? {} : { softcap: { float: x.softcap } }),
  ...(kv.dtype === 'int8' ? INT8_CACHES : {}),
})

/** What was split into exactly these parts, in their order: the kernel takes it whole. */
function wholeOf(graph: GraphBuilder, parts: readonly Value[]): Value | undefined {
  const made = parts.map((part) => graph.producer(part))
  const [first] = made
  const whole = first?.inputs[0]
  const together = made.every(
    (one, i) => one?.type === 'Split' && one.inputs[0] === whole && one.index === i && one.outputs === parts.length,
  )
  return together ? whole : undefined
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
