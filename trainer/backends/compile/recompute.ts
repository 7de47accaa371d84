/**
 * Gradient checkpointing (Chen et al. 2016, arXiv 1604.06174): the forward pass is cut into pieces, only what crosses a
 * cut is kept, and the rest is computed a second time when the backward pass gets there. Memory falls to about that of
 * one piece and the cuts; time grows by at most one forward pass.
 */
import { recorder } from './recorder.ts'
import { product } from './shapes.ts'
import { ancestors, type Node, Tape } from './tape.ts'

/**
 * The same outputs on another tape, on which the nodes after the first `forward` ones read recomputed values.
 * Values are the same to the bit: the same operations on the same numbers.
 */
export function recompute(tape: Tape, forward: number, outputs: ReadonlyMap<string, Node>, pieces: number) {
  const { pieceOf, kept } = cut(tape.nodes.slice(0, forward), pieces)
  const last = pieces - 1
  const stays = (node: Node): boolean => node.inputs.length === 0 || kept.has(node) || pieceOf(node) === last
  const after = new Tape()
  after.nodes.push(...tape.nodes.slice(0, forward))
  const op = recorder(after)
  const moved = new Map<Node, Node>()
  const again = new Map<Node, Node>()
  const late = new Map<string, Node>()
  let token: Node | undefined

  /** A kept value that waits for the backward pass to come so far: else everything would be recomputed at once. */
  function wait(node: Node, piece: number): Node {
    if (node.inputs.length === 0 || node.dtype !== 'float32' || !token) return node
    const key = `${piece} ${node.id}`
    const known = late.get(key) ?? op.add(node, op.mul(op.slice(op.reshape(token, [-1]), 0, 0, 1), op.constant(0)))
    late.set(key, known)
    return known
  }

  function second(node: Node): Node {
    if (stays(node)) return node
    const known = again.get(node)
    if (known) return known
    const inputs = node.inputs.map((input) => (stays(input) ? wait(input, pieceOf(node)) : second(input)))
    if (!node.parts) return remember(node, after.add({ ...node, inputs }))
    const parts = { ...node.parts, nodes: [] as Node[] }
    for (const part of node.parts.nodes) parts.nodes.push(remember(part, after.add({ ...part, inputs, parts })))
    return again.get(node)!
  }

  function remember(node: Node, made: Node): Node {
    again.set(node, made)
    return made
  }

  const live = ancestors(outputs.values())
  const groups = new Map<object, { nodes: Node[] }>()
  for (const node of tape.nodes.slice(forward)) {
    if (!live.has(node) && !node.parts?.nodes.some((part) => live.has(part))) continue
    const inputs = node.inputs.map((input) => moved.get(input) ?? second(input))
    let parts = node.parts
    if (parts) {
      const group = groups.get(parts) ?? { ...parts, nodes: [] }
      groups.set(parts, group)
      parts = group as typeof parts
    }
    const made = after.add({ ...node, inputs, ...(parts ? { parts } : {}) })
    parts?.nodes.push(made)
    moved.set(node, made)
    if (live.has(node) && node.dtype === 'float32' && node.inputs.length > 0) token = made
  }
  return [after, new Map([...outputs].map(([name, node]) => [name, moved.get(node) ?? node]))] as const
}

/** Cuts where the least has to be kept, near equal shares of all that is computed. */
function cut(nodes: readonly Node[], pieces: number) {
  const size = (node: Node): number => (node.inputs.length === 0 ? 0 : product(node.shape))
  const lastUse = new Map<Node, number>()
  for (const node of nodes) for (const input of node.inputs) lastUse.set(input, node.id)
  const crossing = new Float64Array(nodes.length) //   what is computed up to a node and used after it
  for (const node of nodes) for (let at = node.id; at < (lastUse.get(node) ?? 0); at++) crossing[at]! += size(node)
  let sum = 0
  const done = nodes.map((node) => (sum += size(node)))
  const cuts = Array.from({ length: pieces - 1 }, (_, i) => {
    const near = (share: number): number => done.findIndex((all) => all >= (sum * share) / pieces)
    const [from, to] = [near(i + 0.7), near(i + 1.3)]
    let best = from
    for (let at = from; at <= to; at++) if (crossing[at]! < crossing[best]!) best = at
    return best
  })
  const kept = new Set(nodes.filter((node) => cuts.some((at) => node.id <= at && (lastUse.get(node) ?? 0) > at)))
  return { kept, pieceOf: (node: Node): number => cuts.filter((at) => at < node.id).length }
}
