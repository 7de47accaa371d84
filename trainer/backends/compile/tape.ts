/**
 * The reader with known sizes: records every primitive as a node with its shape. A tape can be differentiated
 * (derivatives.ts) and replayed through any other reader (replay): that is how a training step becomes ONNX.
 */
import type { Primitives } from '../../../models/ops.ts'

export type NodeType = 'float32' | 'int32' | 'bool' | 'int8' | 'uint8'

/** Operations that only derivatives and optimizers need, on top of the vocabulary. */
export interface Extra<T> {
  /** 2-D product with either side transposed. */
  gemm(a: T, b: T, transposeA: boolean, transposeB: boolean): T
  /** Sum over several axes, kept as size 1. */
  reduce(x: T, axes: readonly number[]): T
  /** Broadcast to a whole shape. */
  expand(x: T, shape: readonly number[]): T
  /** x as float32 (0 or 1 of a boolean). */
  float(x: T): T
  /** 1 where a = b, else 0, float32. */
  equal(a: T, b: T): T
  /** (rows, D) in which row ids[i] is the sum of the g[i] (N,D); ids (N,1) int32. Added in the order of i. */
  scatterRows(ids: T, g: T, shape: readonly [rows: number, width: number]): T
  /** x (N,V) at columns ids (N,1) int32 -> (N,1). */
  pick(x: T, ids: T): T
  /** x (N,V) with values (N,1) added at columns ids (N,1). */
  addAt(x: T, ids: T, values: T): T
  /** x (B,H,S,C), each pair of channels i and C/2 + i turned (and scaled): cos, sin (S,C/2). */
  rotary(x: T, cos: T, sin: T): T
  /** x (N,D) / scale (N,1), rounded to whole numbers and held between the least and the largest of the type. */
  quantize(x: T, scale: T, dtype: 'int8' | 'uint8'): T
  /** numbers (N,D) * scale (N,1), float32. */
  dequantize(numbers: T, scale: T): T
}
export type Emitter<T> = Omit<Primitives<T>, 'scan' | 'chunkedScan'> & Extra<T>

export interface Node {
  readonly id: number
  readonly name: string
  readonly dtype: NodeType
  readonly shape: readonly number[]
  /** What the value is computed from. */
  readonly inputs: readonly Node[]
  /** What derivatives flow to: the inputs, unless the node hides how it was computed. */
  readonly sources: readonly Node[]
  readonly emit: <U>(op: Emitter<U>, inputs: readonly U[]) => U
  readonly rule: Rule
  /** The parts of one split: made, and differentiated, together. */
  readonly parts?: Parts
}

interface Parts {
  readonly nodes: Node[]
  readonly sizes: readonly number[]
  readonly axis: number
}

/** The vocabulary over tape nodes: what models and derivative rules are written in. */
export type Recorder = Primitives<Node> & Extra<Node> & { zeros(shape: readonly number[]): Node }

/** Derivatives with respect to each source, from the derivative `g` of the node. */
export type Rule = (tape: Tape, node: Node, g: Node) => readonly (Node | undefined)[]

export class Tape {
  readonly nodes: Node[] = []

  add(node: Omit<Node, 'id' | 'sources'> & { sources?: readonly Node[] }): Node {
    const made = { sources: node.inputs, ...node, id: this.nodes.length }
    this.nodes.push(made)
    return made
  }

  /** A value from outside: a parameter, a batch, a state. */
  input(name: string, shape: readonly number[], dtype: NodeType = 'float32'): Node {
    return this.add({
      name,
      dtype,
      shape,
      inputs: [],
      rule: () => [],
      emit: () => {
        throw new Error(`${name}: an input of the tape was not given`)
      },
    })
  }

  /** The value of `computed`, whose derivative with respect to `sources` is `rule` and not what computed it. */
  custom(name: string, computed: Node, sources: readonly Node[], rule: Rule): Node {
    return this.add({
      name,
      dtype: computed.dtype,
      shape: computed.shape,
      inputs: [computed],
      sources,
      rule,
      emit: (_, [x]) => x!,
    })
  }
}

/** The nodes, and all that they are computed from. */
export function ancestors(nodes: Iterable<Node>): Set<Node> {
  const seen = new Set<Node>()
  const todo = [...nodes]
  for (let node = todo.pop(); node; node = todo.pop()) {
    if (seen.has(node)) continue
    seen.add(node)
    todo.push(...node.inputs)
  }
  return seen
}

/** Evaluates the outputs of a tape with another reader; `given` has the values of its inputs. */
export function replay<U>(tape: Tape, op: Emitter<U>, given: ReadonlyMap<Node, U>, outputs: readonly Node[]): U[] {
  const live = new Set<Node>(outputs)
  for (const node of tape.nodes.toReversed()) if (live.has(node)) for (const input of node.inputs) live.add(input)
  const values = new Map<Node, U>(given)
  for (const node of tape.nodes) {
    if (!live.has(node) || values.has(node)) continue
    const inputs = node.inputs.map((input) => values.get(input)!)
    if (node.parts) {
      const parts = op.split(inputs[0]!, node.parts.sizes, node.parts.axis)
      node.parts.nodes.forEach((part, i) => values.set(part, parts[i]!))
    } else values.set(node, node.emit(op, inputs))
  }
  return outputs.map((node) => values.get(node)!)
}
