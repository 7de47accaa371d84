/**
 * Low-rank adaptation of weight matrices (Hu et al. 2021, arXiv 2106.09685): W + (alpha / r) A B, with B zero at the
 * start. The sum is made once a call and given to the model in the place of W, so no model has to know of it.
 */
import type { Ops } from '../ops.ts'
import { fill, flatten, leaves, matrix, type Of, type Spec, type SpecTree } from '../spec.ts'

/** The matrices of a model whose path matches. */
export const loraTargets = (params: SpecTree, pattern: RegExp): [path: string, spec: Spec][] =>
  flatten(params).filter(([path, spec]) => spec.shape.length === 2 && pattern.test(path))

/** A and B of every target, by its path. */
export const loraParams = (targets: readonly (readonly [path: string, spec: Spec])[], rank: number) =>
  Object.fromEntries(
    targets.map(([path, { shape }]) => {
      const [from, to] = shape.map(Number) as [number, number]
      // The spread of Kaiming's uniform draw with a = sqrt(5)
      return [path, { down: matrix([from, rank], 1 / Math.sqrt(3 * from)), up: matrix([rank, to], 0) }]
    }),
  )

type Params<T> = Of<ReturnType<typeof loraParams>, T>

/** The parameters of the model of `specs`, with what `lora` adds to them; `scale` is alpha / r. */
export function withLora<T>(op: Ops<T>, specs: SpecTree, params: unknown, lora: Params<T>, scale: number): unknown {
  const own = leaves<T>(specs, params)
  return fill(specs, (path, spec) => {
    const weight = own.get(path)!
    const added = lora[path]
    if (!added) return weight
    const sum = (): T => op.add(weight, op.mul(op.matmul(added.down, added.up), op.constant(scale)))
    return op.precompute(`lora.${path}`, [spec.shape.map(Number)], () => [sum()])[0]
  })
}
