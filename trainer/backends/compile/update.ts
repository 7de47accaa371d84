/** What gradients do to parameters: clipping by global norm and AdamW, as the end of a step or a graph of its own. */
import type { Model } from '../../../models/architecture.ts'
import { flatten } from '../../../models/spec.ts'
import { type CompiledGraph, emit } from './compiled-graph.ts'
import { moments } from './moments.ts'
import { adamw, type AdamW, globalNorm } from './optimizer.ts'
import { recorder } from './recorder.ts'
import { type Node, type Recorder, Tape } from './tape.ts'

export interface UpdateOptions {
  readonly optimizer: AdamW
  /** Learning rate of a parameter relative to the schedule's. */
  readonly lrScale: (path: string) => number
}

/**
 * Inputs scalar.*, first.* and second.* on the tape, and by name norm and next.* of the parameters and moments; where `apply`
 * is false these stay as they are.
 */
export function update(
  tape: Tape,
  op: Recorder,
  model: Pick<Model, 'params'>,
  o: UpdateOptions,
  params: ReadonlyMap<string, Node>,
  gradients: readonly Node[],
  apply?: Node,
): Map<string, Node> {
  const stepScalars = {
    lr: tape.input('scalar.lr', []),
    secondScale: tape.input('scalar.secondScale', []),
    firstRate: tape.input('scalar.firstRate', []),
    dither: tape.input('scalar.dither', []),
  }
  const squares = gradients.map((gradient) => op.mul(gradient, gradient))
  const norm = globalNorm(op, squares)
  const scale = op.minimum(op.constant(1), op.div(op.constant(o.optimizer.clip), op.add(norm, op.constant(1e-6))))
  const decays = new Map(flatten(model.params).map(([path, spec]) => [path, spec.decay]))
  const take = (next: Node, now: Node): Node => (apply ? op.where(apply, next, now) : next)
  const outputs = new Map([['norm', norm]])
  for (const [i, [path, value]] of [...params].entries()) {
    const held = moments(tape, op, path, value.shape, o.optimizer.bits, stepScalars.dither)
    const { first, second } = held
    const [gradient, square] = [gradients[i]!, squares[i]!]
    const slot = { value, gradient, square, first, second, decay: decays.get(path)!, lrScale: o.lrScale(path) }
    const after = adamw(op, slot, o.optimizer, stepScalars, scale)
    outputs.set(`next.param.${path}`, take(after.value, value))
    for (const [name, node] of held.keep(after.first, after.second, take)) outputs.set(`next.${name}`, node)
  }
  return outputs
}

/** The update alone. In: grad.*, param.*, scalar.*, first.*, second.*. Out: norm and next.* of what changes. */
export function compileUpdate(model: Model, o: UpdateOptions): CompiledGraph {
  const tape = new Tape()
  const op = recorder(tape)
  const moving = flatten(model.params).filter(([, spec]) => !spec.frozen)
  const shape = (dims: readonly (number | string)[]): number[] => dims.map(Number)
  const params = new Map(moving.map(([path, spec]) => [path, tape.input(`param.${path}`, shape(spec.shape))]))
  const gradients = moving.map(([path, spec]) => tape.input(`grad.${path}`, shape(spec.shape)))
  return emit('update', tape, update(tape, op, model, o, params, gradients), { precision: 'float32' })
}
