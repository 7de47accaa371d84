/**
 * Low-rank adaptation of weight matrices (Hu et al. 2021, arXiv 2106.09685): W + (alpha / r) A B, with B zero at the
 * start. In a model that multiplies by `op.linear` both are products of x, and W stays as it is stored; in the others the
 * sum is made once a call and given to the model in the place of W. No model has to know of it.
 */
import { ConfigError } from '../config.ts'
import type { LinearPart, Ops } from '../ops.ts'
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

/** The same for weights (out, in), as `op.linear` takes them: x W' + (alpha / r) (x down') up'. */
export const linearLoraParams = (targets: readonly (readonly [path: string, spec: Spec])[], rank: number) =>
  Object.fromEntries(
    targets.map(([path, { shape }]) => {
      const [to, from] = shape.map(Number) as [number, number]
      return [path, { down: matrix([rank, from], 1 / Math.sqrt(3 * from)), up: matrix([to, rank], 0) }]
    }),
  )

/** Where low-rank additions are made, and which have been. */
export interface LoraProducts<T> {
  /** Operations whose `linear` and `linears` add what belongs to a weight. */
  readonly op: Ops<T>
  /** Throws ConfigError where a target but the head, which comes later, was not multiplied with: it would never be trained. */
  check(): void
}

/** The additions of `lora` to the weights of a model with these parameters; `scale` is alpha / r. */
export function loraProducts<T>(
  op: Ops<T>,
  specs: SpecTree,
  params: unknown,
  lora: Params<T>,
  scale: number,
): LoraProducts<T> {
  const paths = new Map([...leaves<T>(specs, params)].flatMap(([path, weight]) => (lora[path] ? [[weight, path]] : [])))
  const waiting = new Set(Object.keys(lora).filter((path) => path !== 'lm_head.weight'))
  const added = (x: T, weight: T, y: T): T => {
    const path = paths.get(weight)
    if (path === undefined) return y
    waiting.delete(path)
    const { down, up } = lora[path]!
    return op.add(y, op.mul(op.linear(op.linear(x, down), up), op.constant(scale)))
  }
  return {
    op: {
      ...op,
      linear: (x, weight, bias) => added(x, weight, op.linear(x, weight, bias)),
      linears: (x: T, parts: readonly LinearPart<T>[]) =>
        op.linears(x, parts).map((y, i) => added(x, parts[i]!.weight, y)),
    },
    check() {
      const [path] = waiting
      if (path !== undefined)
        throw new ConfigError(
          `adapter.loraTargets: expected matrices that a layer multiplies with, got ${path}; leave it out of the expression`,
        )
    },
  }
}
