/**
 * Gives a published ONNX decoder the inputs and outputs that are served (ids, positions, logits_from, state.*, next.*).
 * Its nodes stay as they are: nodes before them make what the graph reads, nodes after them take what it gives.
 *
 * A cache has room for more positions than are filled. GroupQueryAttention writes into it where it is (`shared`). Other
 * graphs join past and new positions (`joined`): they get the past of each row moved to the right, as transformers pads
 * prompts. Past and new are together one of a few lengths, as the server sets memory aside: rows that it computes together
 * have the same, so that the bits of a row depend neither on the others nor on the memory that it is in.
 */
import { GraphBuilder, type ElementType, type Port, type Value } from '../../onnx/graph.ts'
import { Message } from '../../onnx/protobuf.ts'
import type { Cache, DecoderPorts, IdPort } from './decoder-ports.ts'

export type CacheForm = 'shared' | 'joined'

/** The node that makes the logits. */
export interface Head {
  /** What it multiplies with the head's matrix; undefined for another node than a product. */
  readonly hidden: string | undefined
  /** The node with other names for some of its inputs and outputs, as a field of a GraphProto. */
  renamed(names: ReadonlyMap<string, string>): Promise<Message>
}

export interface DrivenDecoder {
  readonly before: Message
  readonly after: Message
  /** Whether `after` has a node in the place of the head. */
  readonly replacesHead: boolean
  readonly inputs: readonly Port[]
  readonly outputs: readonly Port[]
}

const TO_END = 2 ** 31 - 1
/** Positions that memory is set aside for (server/engine/capacity.ts): 256, doubled as often as any sequence needs. */
const LENGTHS = Array.from({ length: 20 }, (_, i) => 256 * 2 ** i)
const CAST: Readonly<Record<'int32' | 'int64' | 'float32', number>> = { float32: 1, int32: 6, int64: 7 }

export async function driveDecoder(
  ports: DecoderPorts,
  form: CacheForm,
  maxTokens: number | null,
  head: Head,
): Promise<DrivenDecoder> {
  const before = new Part('mneme/before/')
  const fed = feed(before, ports, form, maxTokens)
  const after = new Part('mneme/after/')
  for (const cache of ports.caches) {
    if (form === 'joined' && cache.kind === 'append') after.name(written(after, cache, fed), nextOf(cache))
    else after.name(after.graph.node('Identity', [{ name: cache.output }])[0]!, nextOf(cache))
  }
  const changed = await nameLogits(after, ports, head)
  return {
    before: before.encode(),
    after: (changed ?? new Message()).raw(after.encode().encode()),
    replacesHead: changed !== undefined,
    ...portsOf(ports),
  }
}

/** Nodes that are added, and the values of them that others read. */
class Part {
  readonly graph: GraphBuilder
  readonly #wanted: Value[] = []

  constructor(names: string) {
    this.graph = new GraphBuilder({ names })
  }

  one(type: string, inputs: readonly (Value | undefined)[], attributes?: Parameters<GraphBuilder['node']>[2]): Value {
    return this.graph.node(type, inputs, attributes)[0]!
  }

  int(value: number): Value {
    return this.graph.constant('int64', [], [value])
  }

  ints(...values: number[]): Value {
    return this.graph.constant('int64', [values.length], values)
  }

  cast(x: Value, to: 'int32' | 'int64' | 'float32'): Value {
    return this.one('Cast', [x], { to: { int: CAST[to] } })
  }

  /** Numbers from 0 to before `end`, as a row. */
  count(end: Value): Value {
    return this.one('Reshape', [this.one('Range', [this.int(0), end, this.int(1)]), this.ints(1, -1)])
  }

  /** One size of a value. */
  size(x: Value, axis: number): Value {
    return this.one('Gather', [this.one('Shape', [x]), this.int(axis)])
  }

  /** Gives a value the name by which it is read elsewhere. */
  name(value: Value, name: string): void {
    this.graph.output(value, name)
    this.#wanted.push({ name })
  }

  keep(value: Value): Value {
    this.#wanted.push(value)
    return value
  }

  encode(): Message {
    return this.graph.part(this.#wanted)
  }
}

interface Fed {
  /** Tokens of this call, an int64 scalar. */
  readonly time: Value
  /** (B, T) int64: the position of each new token. */
  readonly positions: Value
}

/** Makes the inputs that the graph had. */
function feed(part: Part, ports: DecoderPorts, form: CacheForm, maxTokens: number | null): Fed {
  const { ids, mask, positions, logitsToKeep, cacheBranch, caches } = ports
  const filled = part.one('Reshape', [part.cast({ name: 'positions' }, 'int64'), part.ints(-1, 1)]) //   (B, 1)
  const time = part.keep(part.size({ name: 'ids' }, 1))
  const each = part.keep(part.one('Add', [filled, part.count(time)])) //                                 (B, T)
  part.name(asPort(part, { name: 'ids' }, ids), ids.name)
  if (positions) part.name(asPort(part, withAxes(part, each, positions.axes), positions), positions.name)
  if (form === 'shared') {
    const end = part.one('Add', [filled, time])
    const longest = part.one('ReduceMax', [end], { keepdims: { int: 0 } })
    if (mask) part.name(asPort(part, part.one('Less', [part.count(longest), end]), mask), mask.name)
    for (const { input } of caches) part.name(part.one('Identity', [{ name: stateOf(input) }]), input)
  } else feedJoined(part, ports, { filled, time }, maxTokens)
  if (logitsToKeep) part.name(wantedRows(part, time, logitsToKeep), logitsToKeep.name)
  if (cacheBranch !== undefined) part.name(part.one('Identity', [part.graph.constant('bool', [1], [1])]), cacheBranch)
  return { time, positions: each }
}

/** Moves the past of each row to the right end of as many positions as the cache has room for. */
function feedJoined(
  part: Part,
  { mask, caches }: DecoderPorts,
  { filled, time }: { filled: Value; time: Value },
  maxTokens: number | null,
): void {
  const { input: first } = caches.find(({ kind }) => kind === 'append') ?? caches[0]!
  const room = part.size({ name: stateOf(first) }, 2)
  const bounds = [joinedLength(part, part.one('Add', [filled, time])), room]
  const total = part.one('Min', maxTokens === null ? bounds : [...bounds, part.int(maxTokens)])
  const past = part.one('Sub', [total, time])
  const missing = part.one('Sub', [past, filled]) //                                        (B, 1) left of each row's past
  if (mask) {
    const seen = part.one('Less', [part.one('Sub', [missing, part.int(1)]), part.count(total)])
    part.name(asPort(part, seen, mask), mask.name)
  }
  const from = part.one('Max', [part.one('Sub', [part.count(past), missing]), part.int(0)]) //   (B, P)
  const rows = part.one('Reshape', [from, part.ints(0, 1, -1, 1)])
  for (const { input, kind, shape } of caches) {
    const state = { name: stateOf(input) }
    if (kind === 'fixed') {
      part.name(part.one('Identity', [state]), input)
      continue
    }
    const indices = part.one('Expand', [rows, part.ints(1, Number(shape[0]), 1, 1)]) //         (B, H, P, 1)
    part.name(part.one('GatherND', [state, indices], { batch_dims: { int: 2 } }), input)
  }
}

/** The smallest of the lengths that has place for the longest row; `ends` is (B, 1). */
function joinedLength(part: Part, ends: Value): Value {
  const longest = part.one('ReduceMax', [ends], { keepdims: { int: 0 } })
  const lengths = part.ints(...LENGTHS)
  const enough = part.one('Where', [part.one('Less', [lengths, longest]), part.int(TO_END), lengths])
  return part.one('ReduceMin', [enough], { keepdims: { int: 0 } })
}

/** The cache with the new positions, which are the last ones of what the graph gives, written into their places. */
function written(part: Part, { input, output }: Cache, { time, positions }: Fed): Value {
  const start = part.one('Reshape', [part.one('Neg', [time]), part.ints(1)])
  const fresh = part.one('Slice', [{ name: output }, start, part.ints(TO_END), part.ints(2)])
  const places = part.one('Reshape', [positions, part.ints(0, 1, -1, 1)])
  const indices = part.one('Expand', [places, part.one('Shape', [fresh])]) //                   (B, H, T, C)
  return part.one('ScatterElements', [{ name: stateOf(input) }, indices, fresh], { axis: { int: 2 } })
}

/**
 * Logits of times from `logits_from` on as `logits`, in float32. A head that is a product is computed of these times only.
 * Returns what stands in the place of the head, if it was changed.
 */
async function nameLogits(part: Part, ports: DecoderPorts, head: Head): Promise<Message | undefined> {
  const { logits, logitsToKeep } = ports
  const cutBefore = !logitsToKeep && head.hidden !== undefined
  const cutAfter = !logitsToKeep && head.hidden === undefined
  const changed = new Message()
  const names = new Map<string, string>()
  if (cutBefore) {
    const rows = new Part('mneme/head/')
    const hidden = rows.keep(fromRow(rows, { name: head.hidden }))
    names.set(head.hidden, hidden.name)
    changed.raw(rows.encode().encode())
  }
  if (cutAfter || logits.dtype !== 'float32' || logits.name !== LOGITS) {
    const own = { name: 'mneme/logits' }
    names.set(logits.name, own.name)
    part.name(part.cast(cutAfter ? fromRow(part, own) : own, 'float32'), LOGITS)
  }
  return names.size === 0 ? undefined : changed.raw((await head.renamed(names)).encode())
}

const LOGITS = 'logits'

/** (B, T, *) from time `logits_from` on. */
function fromRow(part: Part, x: Value): Value {
  const start = part.one('Reshape', [
    part.graph.initializer('logits_from', 'int64', [], BigInt64Array.of(0n)),
    part.ints(1),
  ])
  return part.one('Slice', [x, start, part.ints(TO_END), part.ints(1)])
}

/** How many of the last logits `logits_from` means: 0 for all, which is what the graphs take it for. */
function wantedRows(part: Part, time: Value, port: IdPort): Value {
  const from = part.graph.initializer('logits_from', 'int64', [], BigInt64Array.of(0n))
  const fromEnd = part.one('Less', [from, part.int(0)])
  const count = part.one('Where', [fromEnd, part.one('Neg', [from]), part.one('Sub', [time, from])])
  return asPort(part, count, port)
}

/** An int64 or bool value as the graph wants it; always a node of its own, which can be given a name. */
const asPort = (part: Part, x: Value, { dtype }: IdPort): Value => part.cast(x, dtype)

/** Positions for each of several axes, all the same for text. */
function withAxes(part: Part, positions: Value, axes: readonly number[]): Value {
  return axes.length === 0 ? positions : part.one('Expand', [positions, part.ints(...axes, 1, 1)])
}

const stateOf = (name: string): string => `state.${name}`
const nextOf = ({ input }: Cache): string => `next.${input}`

function portsOf({ caches, logits }: DecoderPorts): { inputs: readonly Port[]; outputs: readonly Port[] } {
  const state = (name: (cache: Cache) => string): Port[] =>
    caches.map((cache) => ({
      name: name(cache),
      dtype: cache.dtype satisfies ElementType,
      shape: ['batch', ...cache.shape.map((size) => (size === 'time' ? 'capacity' : size))],
    }))
  return {
    inputs: [
      { name: 'ids', dtype: 'int32', shape: ['batch', 'time'] },
      { name: 'logits_from', dtype: 'int64', shape: [] },
      { name: 'positions', dtype: 'int32', shape: ['batch'] },
      ...state(({ input }) => stateOf(input)),
    ],
    outputs: [{ name: LOGITS, dtype: 'float32', shape: ['batch', 'rows', logits.vocab] }, ...state(nextOf)],
  }
}
