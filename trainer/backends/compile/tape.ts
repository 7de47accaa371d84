/**
 * The backend with known shapes: every primitive is recorded as a node. A tape can be differentiated (gradients.ts) and
 * replayed through an emitter, which is how a training step becomes an ONNX graph and a model a PyTorch module.
 */
import type { ScanLoop } from '../../../exporter/trace.ts'
import type { Primitives } from '../../../models/ops.ts'

export type NodeType = 'float32' | 'int32' | 'bool' | 'int8' | 'uint8'

/** Operations beside the primitives that derivatives, optimizers and loops need. */
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
  /** x (B,H,S,C), each pair of channels i and C/2 + i rotated (and scaled): cos, sin (S,C/2). */
  rotary(x: T, cos: T, sin: T): T
  /** x (N,D) / scale (N,1), rounded to integers and clamped to the range of the type. */
  quantize(x: T, scale: T, dtype: 'int8' | 'uint8'): T
  /** numbers (N,D) * scale (N,1), float32. */
  dequantize(numbers: T, scale: T): T
}

/** What a tape is replayed through: loops arrive traced, as `loop`. */
export type Emitter<T> = Omit<Primitives<T>, 'scan' | 'chunkedScan'> &
  Extra<T> & { loop(loop: ScanLoop<T>): { carry: T[]; ys: T[] } }

/** The operation that made a node; `custom` has a derivative rule of its own. */
export type Kind = Exclude<keyof Emitter<unknown>, 'detach' | 'iota'> | 'input' | 'custom'

export interface Node {
  /** Position in the list of its scope. */
  readonly id: number
  readonly kind: Kind
  /** The name of an input; of other nodes for messages only. */
  readonly name: string
  readonly dtype: NodeType
  readonly shape: readonly number[]
  /** The value of a scalar constant. */
  readonly value?: number
  /** What the value is computed from. */
  readonly inputs: readonly Node[]
  /** What derivatives flow to: the inputs, unless a custom rule names others. */
  readonly sources: readonly Node[]
  readonly emit: <U>(op: Emitter<U>, inputs: readonly U[]) => U
  readonly rule: Rule
  /** The nodes that one operation makes together, this one among them. */
  readonly group?: Group
  readonly scope: Scope
}

/** The results of an operation with several: the parts of a split, the carries and outputs of a loop. */
export interface Group {
  readonly nodes: Node[]
  /** Values of the nodes; those that are not `wanted` may be undefined. */
  emit<U>(op: Emitter<U>, inputs: readonly U[], wanted: readonly boolean[]): (U | undefined)[]
  /** Derivatives with respect to the inputs that are `needed`, from those of the nodes. */
  rule(found: readonly (Node | undefined)[], needed: readonly boolean[]): readonly Derivative[]
}

/** All primitives over tape nodes: what models and derivative rules are written in. */
export type Recorder = Primitives<Node> & Extra<Node> & { zeros(shape: readonly number[]): Node }

/** A derivative; `zero` where it is zero wherever it exists, undefined where there is no rule for it. */
export type Derivative = Node | 'zero' | undefined

/** Derivatives with respect to each source, from the derivative `g` of the node. */
export type Rule = (tape: Tape, node: Node, g: Node) => readonly Derivative[]

/** A list of nodes: the tape's own, or the body of a loop, whose nodes may read those of the scopes around it. */
export interface Scope {
  readonly nodes: Node[]
  /** Uniform random numbers that dropout asked for, in order. */
  readonly noise: Node[]
  closed: boolean
}

const scope = (): Scope => ({ nodes: [], noise: [], closed: false })

export class Tape {
  readonly #root = scope()
  #scope = this.#root
  /** Losses that models added, of the current step of the innermost loop. */
  #losses: Node[] = []

  /** The nodes of the current scope, in the order of computation. */
  get nodes(): Node[] {
    return this.#scope.nodes
  }

  add(node: Omit<Node, 'id' | 'sources' | 'scope'> & { sources?: readonly Node[] }): Node {
    // Constants belong to no body, because equal ones are shared
    const owner = node.kind === 'constant' || node.kind === 'table' ? this.#root : this.#scope
    for (const input of node.inputs)
      if (input.scope.closed) throw new Error(`${node.name}: reads ${input.name} of a loop's body from outside of it`)
    const made = { sources: node.inputs, ...node, id: owner.nodes.length, scope: owner }
    owner.nodes.push(made)
    return made
  }

  /** A value from outside: a parameter, a batch, a state. */
  input(name: string, shape: readonly number[], dtype: NodeType = 'float32'): Node {
    return this.add({
      kind: 'input',
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
      kind: 'custom',
      name,
      dtype: computed.dtype,
      shape: computed.shape,
      inputs: [computed],
      sources,
      rule,
      emit: (_, [x]) => x!,
    })
  }

  /** Uniform random numbers in [0, 1) that the trainer draws before each step: `noise.0`, `noise.1` and so on. */
  noise(shape: readonly number[]): Node {
    const { noise } = this.#scope
    const made = this.input(`noise.${noise.length}`, shape)
    noise.push(made)
    return made
  }

  /** Adds a scalar to what training minimises. */
  addLoss(loss: Node): void {
    this.#losses.push(loss)
  }

  /** What `trace` returns, and the losses that it added. */
  withLosses<R>(trace: () => R): { result: R; losses: Node[] } {
    const outer = this.#losses
    this.#losses = []
    try {
      return { result: trace(), losses: this.#losses }
    } finally {
      this.#losses = outer
    }
  }

  /** Records what `trace` does in a scope of its own, the body of a loop. It may read the nodes of the body `reads`. */
  body<R>(trace: () => R, reads?: Scope): { scope: Scope; result: R } {
    const outer = this.#scope
    const inner = scope()
    this.#scope = inner
    if (reads) reads.closed = false
    try {
      return { scope: inner, result: trace() }
    } finally {
      inner.closed = true
      if (reads) reads.closed = true
      this.#scope = outer
    }
  }

  /** Moves the nodes of a body that are the same in every step to the current scope (loop-invariant code motion). */
  hoist(body: Scope): void {
    const varying = body.nodes.filter((node) => {
      const invariant = node.kind !== 'input' && node.inputs.every((input) => input.scope !== body)
      if (invariant) Object.assign(node, { id: this.nodes.length, scope: this.#scope })
      if (invariant) this.nodes.push(node)
      return !invariant
    })
    body.nodes.length = 0
    for (const node of varying) body.nodes.push(Object.assign(node, { id: body.nodes.length }))
  }
}

/** Records one more result of a group, which has to be put into its list. */
export const groupNode = (
  tape: Tape,
  kind: 'split' | 'loop',
  group: Group,
  inputs: readonly Node[],
  shape: readonly number[],
  dtype: NodeType,
): Node =>
  tape.add({
    kind,
    name: kind,
    inputs,
    shape,
    dtype,
    group,
    rule: () => [],
    emit: () => {
      throw new Error(`${kind}: the nodes of a group are made together`)
    },
  })

/** The nodes, and all that they are computed from. */
export function ancestors(nodes: Iterable<Node>): Set<Node> {
  const seen = new Set<Node>()
  const todo = [...nodes]
  for (let node = todo.pop(); node; node = todo.pop()) {
    if (seen.has(node)) continue
    seen.add(node)
    for (const input of node.inputs) todo.push(input)
  }
  return seen
}

/** Evaluates `outputs` of a scope with an emitter; `given` has the values of inputs and of nodes outside the scope. */
export function replay<U>(
  nodes: readonly Node[],
  op: Emitter<U>,
  given: ReadonlyMap<Node, U>,
  outputs: readonly Node[],
): U[] {
  const live = new Set<Node>(outputs)
  for (const node of nodes.toReversed()) if (live.has(node)) for (const input of node.inputs) live.add(input)
  const values = new Map<Node, U>(given)
  const valueOf = (node: Node): U => {
    const known = values.get(node)
    if (known !== undefined) return known
    const value = node.emit(op, []) // a constant of the tape that a body reads, or an input that was not given
    values.set(node, value)
    return value
  }
  for (const node of nodes) {
    if (!live.has(node) || values.has(node)) continue
    const inputs = node.inputs.map(valueOf)
    const { group } = node
    if (!group) values.set(node, node.emit(op, inputs))
    else
      for (const [i, value] of group
        .emit(
          op,
          inputs,
          group.nodes.map((other) => live.has(other)),
        )
        .entries())
        if (value !== undefined) values.set(group.nodes[i]!, value)
  }
  return outputs.map(valueOf)
}
