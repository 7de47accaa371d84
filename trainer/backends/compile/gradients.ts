/** Reverse-mode differentiation over a tape. */
import type { Recorder } from './tape.ts'
import type { Node, Tape } from './tape.ts'

/** d loss / d each of `wrt`, recorded on the same tape; zeros where the loss does not depend on it. */
export function gradients(tape: Tape, op: Recorder, loss: Node, wrt: readonly Node[]): Node[] {
  const needed = new Set<Node>(wrt)
  const forward = [...tape.nodes]
  for (const node of forward) if (node.sources.some((source) => needed.has(source))) needed.add(node)
  const found = new Map<Node, Node>([[loss, op.constant(1)]])
  const accumulate = (to: Node, g: Node | undefined): void => {
    if (!g || !needed.has(to)) return
    const known = found.get(to)
    found.set(to, known ? op.add(known, g) : g)
  }
  for (const node of forward.toReversed()) {
    if (!needed.has(node) || node.sources.length === 0) continue
    if (node.parts) joinParts(op, node, found, accumulate)
    else {
      const g = found.get(node)
      if (!g) continue
      const shares = node.rule(tape, node, g)
      node.sources.forEach((source, i) => accumulate(source, shares[i]))
    }
  }
  return wrt.map((node) => found.get(node) ?? op.zeros(node.shape))
}

/** Going backwards, the first part comes last: then all parts have their derivatives, and one concat joins them. */
function joinParts(
  op: Recorder,
  node: Node,
  found: ReadonlyMap<Node, Node>,
  accumulate: (to: Node, g: Node) => void,
): void {
  const { nodes, axis } = node.parts!
  if (nodes[0] !== node || !nodes.some((part) => found.has(part))) return
  const all = nodes.map((part) => found.get(part) ?? op.zeros(part.shape))
  accumulate(node.inputs[0]!, op.concat(all, axis))
}
