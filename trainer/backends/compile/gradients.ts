/** Reverse-mode differentiation over a tape (Griewank & Walther 2008). */
import type { Node, Recorder, Tape } from './tape.ts'

/** d loss / d each of `wrt`, recorded on the same tape; undefined where the loss does not depend on it. */
export const gradients = (tape: Tape, op: Recorder, loss: Node, wrt: readonly Node[]): (Node | undefined)[] =>
  vectorJacobianProduct(tape, op, [...tape.nodes], [[loss, op.constant(1)]], wrt)

/** The derivatives of sum_i seed_i output_i, computed by the `forward` nodes, with respect to each of `wrt`. */
export function vectorJacobianProduct(
  tape: Tape,
  op: Recorder,
  forward: readonly Node[],
  seeds: readonly (readonly [output: Node, seed: Node])[],
  wrt: readonly Node[],
): (Node | undefined)[] {
  const needed = new Set<Node>(wrt)
  for (const node of forward) if (node.sources.some((source) => needed.has(source))) needed.add(node)
  const found = new Map<Node, Node>()
  const accumulate = (to: Node, g: Node | undefined): void => {
    if (!g || !needed.has(to)) return
    const known = found.get(to)
    found.set(to, known ? op.add(known, g) : g)
  }
  for (const [output, seed] of seeds) accumulate(output, seed)
  for (const node of forward.toReversed()) {
    if (!needed.has(node) || node.sources.length === 0) continue
    // Backwards, the first node of a group comes last: then the derivatives of all of its nodes are known
    if (node.group && node.group.nodes[0] !== node) continue
    const derivatives = derivativesOf(tape, node, found, needed)
    if (!derivatives) continue
    for (const [i, source] of node.sources.entries()) {
      const g = derivatives[i]
      if (g === undefined && needed.has(source) && source.dtype === 'float32')
        throw new Error(`${node.name}: expected a derivative with respect to input ${i}, there is no rule for it`)
      if (g !== 'zero') accumulate(source, g)
    }
  }
  return wrt.map((node) => found.get(node))
}

/** The derivatives with respect to the sources of a node; undefined where the outputs do not depend on it. */
function derivativesOf(tape: Tape, node: Node, found: ReadonlyMap<Node, Node>, needed: ReadonlySet<Node>) {
  if (node.group) {
    const all = node.group.nodes.map((other) => found.get(other))
    const wanted = node.inputs.map((input) => needed.has(input))
    return all.some((g) => g !== undefined) ? node.group.rule(all, wanted) : undefined
  }
  const g = found.get(node)
  return g && node.rule(tape, node, g)
}
