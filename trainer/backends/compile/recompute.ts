/**
 * Gradient checkpointing (Chen et al. 2016, arXiv 1604.06174): the forward pass is cut into segments, only what crosses
 * a cut is kept, and the rest is computed a second time when the backward pass gets there. Memory falls to about that
 * of one segment and the cuts; time grows by at most one forward pass.
 */
import { recorder } from './recorder.ts'
import { product } from './shapes.ts'
import { ancestors, type Group, type Node, Tape } from './tape.ts'

/**
 * The same outputs on another tape, on which the nodes after the first `forward` ones read recomputed values.
 * Values are the same to the bit: the same operations on the same numbers.
 */
export function recompute(tape: Tape, forward: number, outputs: ReadonlyMap<string, Node>, segments: number) {
  const after = new Tape()
  for (const node of tape.nodes.slice(0, forward)) after.nodes.push(node)
  const again = new Recomputation(after, forward, segments)
  const moved = new Map<Node, Node>()
  const groups = new Map<Group, Group>()
  const live = ancestors(outputs.values())
  for (const node of tape.nodes.slice(forward)) {
    if (!live.has(node) && !node.group?.nodes.some((other) => live.has(other))) continue
    const inputs = node.inputs.map((input) => moved.get(input) ?? again.valueOf(input))
    const group = node.group && (groups.get(node.group) ?? { ...node.group, nodes: [] })
    if (node.group && group) groups.set(node.group, group)
    const made = after.add({ ...node, inputs, ...(group ? { group } : {}) })
    group?.nodes.push(made)
    moved.set(node, made)
    if (live.has(node) && node.dtype === 'float32' && node.inputs.length > 0) again.reached(made)
  }
  return [after, new Map([...outputs].map(([name, node]) => [name, moved.get(node) ?? node]))] as const
}

/** The forward pass of a tape, computed a second time segment by segment as the backward pass asks for its values. */
class Recomputation {
  readonly #tape: Tape
  readonly #op
  readonly #segmentOf: (node: Node) => number
  readonly #kept: ReadonlySet<Node>
  readonly #last: number
  readonly #again = new Map<Node, Node>()
  readonly #late = new Map<string, Node>()
  /** The newest value of the backward pass. */
  #token: Node | undefined

  constructor(tape: Tape, forward: number, segments: number) {
    const { segmentOf, kept } = cut(tape.nodes.slice(0, forward), segments)
    this.#tape = tape
    this.#op = recorder(tape)
    this.#segmentOf = segmentOf
    this.#kept = kept
    this.#last = segments - 1
  }

  reached(node: Node): void {
    this.#token = node
  }

  /** The node itself where its value is kept, else its second computation. */
  valueOf(node: Node): Node {
    const todo = [node]
    for (let top = todo.at(-1); top; top = todo.at(-1)) {
      const missing = this.#known(top) ? [] : top.inputs.filter((input) => !this.#known(input))
      for (const input of missing.toReversed()) todo.push(input)
      if (missing.length > 0) continue
      todo.pop()
      if (!this.#known(top)) this.#copy(top)
    }
    return this.#again.get(node) ?? node
  }

  #known(node: Node): boolean {
    return this.#stays(node) || this.#again.has(node)
  }

  #stays(node: Node): boolean {
    return node.inputs.length === 0 || this.#kept.has(node) || this.#segmentOf(node) === this.#last
  }

  #copy(node: Node): void {
    const segment = this.#segmentOf(node)
    const inputs = node.inputs.map((input) => this.#again.get(input) ?? this.#delayed(input, segment))
    const group = node.group && { ...node.group, nodes: [] as Node[] }
    for (const one of node.group?.nodes ?? [node]) {
      const made = this.#tape.add({ ...one, inputs, ...(group ? { group } : {}) })
      group?.nodes.push(made)
      this.#again.set(one, made)
    }
  }

  /** A kept value with a fake dependency on the backward pass, which delays the recomputation until then. */
  #delayed(node: Node, segment: number): Node {
    if (node.inputs.length === 0 || node.dtype !== 'float32' || !this.#token) return node
    const key = `${segment} ${node.id}`
    const op = this.#op
    const known =
      this.#late.get(key) ?? op.add(node, op.mul(op.slice(op.reshape(this.#token, [-1]), 0, 0, 1), op.constant(0)))
    this.#late.set(key, known)
    return known
  }
}

/** Cuts where the least has to be kept, near equal shares of all that is computed. */
function cut(nodes: readonly Node[], segments: number) {
  const size = (node: Node): number => (node.inputs.length === 0 ? 0 : product(node.shape))
  const lastUse = new Map<Node, number>()
  for (const node of nodes) for (const input of node.inputs) lastUse.set(input, node.id)
  const crossing = new Float64Array(nodes.length + 1) //   what is computed up to a node and used after it
  for (const node of nodes) {
    crossing[node.id]! += size(node)
    crossing[lastUse.get(node) ?? node.id]! -= size(node)
  }
  for (let at = 1; at < crossing.length; at++) crossing[at]! += crossing[at - 1]!
  let sum = 0
  const done = nodes.map((node) => (sum += size(node)))
  const cuts = Array.from({ length: segments - 1 }, (_, i) => {
    const near = (share: number): number => done.findIndex((all) => all >= (sum * share) / segments)
    const [from, to] = [near(i + 0.7), near(i + 1.3)]
    let best = from
    for (let at = from; at <= to; at++) if (crossing[at]! < crossing[best]!) best = at
    return best
  })
  const kept = new Set(nodes.filter((node) => cuts.some((at) => node.id <= at && (lastUse.get(node) ?? 0) > at)))
  return { kept, segmentOf: (node: Node): number => cuts.filter((at) => at < node.id).length }
}
