/** SwiGLU feed-forward layer (Shazeer 2020, arXiv 2002.05202): (silu(x W_gate) * x W_up) W_down. */
import type { Ops } from '../ops.ts'
import type { Of } from '../spec.ts'
import { matrix } from '../spec.ts'

export const mlpParams = (width: number, hidden: number) => ({
  up: matrix([width, 2 * hidden]), // gate and value side by side
  down: matrix([hidden, width]),
})

/** x (B,T,D) -> (B,T,D). */
export function mlp<T>(op: Ops<T>, hidden: number, p: Of<ReturnType<typeof mlpParams>, T>, x: T): T {
  const [gate, up] = op.split(p.up, [hidden, hidden], -1) as [T, T]
  return op.matmul(op.mul(op.silu(op.matmul(x, gate)), op.matmul(x, up)), p.down)
}
