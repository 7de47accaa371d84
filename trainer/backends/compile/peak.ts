/** How much memory the values of a tape take when they are computed in its order. */
import { product } from './shapes.ts'
import { ancestors, type Node } from './tape.ts'

/** Bytes of a number of each type. */
const bytesOf = { float32: 4, int32: 4, bool: 1, int8: 1, uint8: 1 } as const

/** The node whose memory a node has: a new shape, or a derivative of its own, takes none. */
function ownerOf(node: Node): Node {
  let owner = node
  while (owner.kind === 'reshape' || owner.kind === 'custom') owner = owner.inputs[0]!
  return owner
}

/** The most bytes of values that are held at once; inputs, outputs and what the body of a loop computes do not count. */
export function peakBytes(nodes: readonly Node[], outputs: readonly Node[]): number {
  const live = ancestors(outputs)
  const given = new Set(outputs.map(ownerOf))
  const lastUse = new Map<Node, number>()
  for (const [at, node] of nodes.entries())
    if (live.has(node)) for (const input of node.inputs) lastUse.set(ownerOf(input), at)
  const freed = new Map<number, number>()
  let [held, most] = [0, 0]
  for (const [at, node] of nodes.entries()) {
    const end = lastUse.get(node)
    if (end !== undefined && node.inputs.length > 0 && ownerOf(node) === node && !given.has(node)) {
      const bytes = bytesOf[node.dtype] * product(node.shape)
      held += bytes
      freed.set(end, (freed.get(end) ?? 0) + bytes)
    }
    most = Math.max(most, held)
    held -= freed.get(at) ?? 0
  }
  return most
}
