/** Collects what a model adds to the training loss with `op.addLoss` while it runs eagerly. */
import type { Ops } from '../../../models/ops.ts'
import type { Tensor, TensorFlow } from './load.ts'

type Scan = Ops<Tensor>['scan']

/** The operations with `addLoss`, and the sum of what was added since. Losses of a loop count as their mean over steps. */
export function withLosses(tf: TensorFlow, op: Ops<Tensor>): { op: Ops<Tensor>; total: () => Tensor | undefined } {
  let added: Tensor[] = []
  const averaged = <R>(step: Parameters<Scan>[0], run: (step: Parameters<Scan>[0]) => R): R => {
    const outer = added
    added = []
    let steps = 0
    const result = run((carry, x) => {
      steps++
      return step(carry, x)
    })
    const inner = added
    added = outer
    if (inner.length > 0) added.push(tf.div(tf.addN(inner), steps))
    return result
  }
  return {
    op: {
      ...op,
      addLoss: (loss) => void added.push(loss),
      scan: (step, ...rest) => averaged(step, (counted) => op.scan(counted, ...rest)),
      chunkedScan: (step, ...rest) => averaged(step, (counted) => op.chunkedScan(counted, ...rest)),
    },
    total: () => (added.length === 0 ? undefined : tf.addN(added)),
  }
}
