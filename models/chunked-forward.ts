/** A model that works chunk by chunk: its step sees tokens of one chunk only, whatever lengths it is fed. */
import type { Forward } from './architecture.ts'
import type { Ops } from './ops.ts'
import { fill, leaves, type SpecTree } from './spec.ts'

/**
 * Runs `step` over ids (B,T) in pieces that end where the fullest row's chunk of `length` tokens ends. `position` (B,1)
 * of a state says how many tokens its unfinished chunk has; `spec` is the state's declaration.
 */
export function chunkedForward<T, S>(
  op: Ops<T>,
  o: {
    readonly spec: unknown
    readonly length: number
    readonly width: number
    /** Whether `step` runs the layers of the model. */
    readonly layers: boolean
    position(state: S): T
  },
  ids: T,
  state: S,
  step: (ids: T, state: S) => Forward<T, S>,
): Forward<T, S> {
  const spec = o.spec as SpecTree
  const list = (tree: S): T[] => [...leaves<T>(spec, tree).values()]
  const tree = (values: readonly T[]): S => {
    const rest = values.values()
    return fill(spec, () => rest.next().value!) as S
  }
  const out = op.chunkedScan(
    (carry, [piece]) => {
      const done = step(piece!, tree(carry))
      return { carry: list(done.state), y: [done.hidden] }
    },
    list(state),
    [ids],
    {
      length: o.length,
      outputs: [[o.width]],
      layers: o.layers,
      room: (carry) => op.sub(op.constant(o.length), op.reshape(o.position(tree(carry)), [-1])),
    },
  )
  return { hidden: out.ys[0]!, state: tree(out.carry) }
}
