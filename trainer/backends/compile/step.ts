/** A whole training step as one ONNX graph: forward, backward, clipping, AdamW, and the session state carried on. */
import type { Model } from '../../../models/architecture.ts'
import { fill, frozenPaths, leaves } from '../../../models/spec.ts'
import { type CompiledGraph, emit } from './compiled-graph.ts'
import { tapeOps, type Noise } from './composites.ts'
import type { Arithmetic } from './emit.ts'
import { gradients } from './gradients.ts'
import { crossEntropy } from './objective.ts'
import type { AdamW } from './optimizer.ts'
import { recorder } from './recorder.ts'
import type { Recorder } from './tape.ts'
import { recompute } from './recompute.ts'
import { type Node, Tape } from './tape.ts'
import { update } from './update.ts'

export interface StepOptions extends Arithmetic {
  readonly batch: number
  readonly time: number
  readonly optimizer: AdamW
  /** Steps whose gradients are averaged before the parameters move. */
  readonly accumulate: number
  /** Whether the session state goes in and out; without, every row starts from zero. */
  readonly carry: boolean
  /** Learning rate of a parameter relative to the schedule's. */
  readonly rate: (path: string) => number
  /** Pieces of the forward pass of which only one is held at a time (gradient checkpointing); 1: all is kept. */
  readonly recompute: number
  /** Most weighted tokens of a batch; logits are computed for these only. 0: for all tokens. */
  readonly labels: number
}

/** The shape of a batch, whether its rows carry state, and how they are computed. */
export type Rows = Pick<StepOptions, 'batch' | 'time' | 'carry' | 'labels' | keyof Arithmetic>

/** The model on a tape, with its inputs. */
interface Traced {
  readonly tape: Tape
  readonly op: Recorder
  /** Those that training moves. */
  readonly params: ReadonlyMap<string, Node>
  /** Cross entropy alone. */
  readonly loss: Node
  /** What is minimised: the loss and what the model adds to it. */
  readonly objective: Node
  readonly mass: Node
  readonly state: ReadonlyMap<string, Node>
}

/**
 * Training step. In: ids, targets (B,T) int32, weights (B,T) (or, with labels, targets, weights and labels (N)), carry (B,1), pace.*, param.*, first.*, second.*, state.*
 * (and total.* and apply where gradients accumulate). Out: loss, mass, norm and next.* of all that changes.
 */
export function compileStep(model: Model, o: StepOptions): CompiledGraph {
  const { tape, op, params, loss, objective, mass, state } = traceLoss(model, o, true)
  const forward = tape.nodes.length
  const raw = gradients(tape, op, objective, [...params.values()])
  const outputs = new Map<string, Node>([
    ['loss', loss],
    ['mass', mass],
  ])
  const accumulated = o.accumulate > 1 ? accumulate(tape, op, [...params.keys()], raw, o.accumulate, outputs) : null
  for (const [name, node] of update(tape, op, model, o, params, accumulated?.gradients ?? raw, accumulated?.apply))
    outputs.set(name, node)
  for (const [path, node] of state) outputs.set(`next.state.${path}`, node)
  const [last, wanted] = o.recompute > 1 ? recompute(tape, forward, outputs, o.recompute) : [tape, outputs]
  return emit('step', last, wanted, o)
}

/** The loss alone, for held-out text. In: ids, targets, weights, carry, param.*, state.*. Out: loss, mass, next.state.*. */
export function compileLoss(model: Model, o: Rows): CompiledGraph {
  const { tape, loss, mass, state } = traceLoss(model, o, false)
  const outputs = new Map<string, Node>([
    ['loss', loss],
    ['mass', mass],
  ])
  for (const [path, node] of state) outputs.set(`next.state.${path}`, node)
  return emit('loss', tape, outputs, o)
}

/** The loss and its gradients: the part of a step that devices share. Out: loss, mass, grad.*, next.state.*. */
export function compileGradients(model: Model, o: Rows & { readonly recompute?: number }): CompiledGraph {
  const { tape, op, params, loss, objective, mass, state } = traceLoss(model, o, true)
  const forward = tape.nodes.length
  const found = gradients(tape, op, objective, [...params.values()])
  const outputs = new Map<string, Node>([
    ['loss', loss],
    ['mass', mass],
  ])
  for (const [i, path] of [...params.keys()].entries()) outputs.set(`grad.${path}`, found[i]!)
  for (const [path, node] of state) outputs.set(`next.state.${path}`, node)
  const pieces = o.recompute ?? 1
  const [last, wanted] = pieces > 1 ? recompute(tape, forward, outputs, pieces) : [tape, outputs]
  return emit('gradients', last, wanted, o)
}

function traceLoss(model: Model, { batch, time, carry: carried, labels }: Rows, training: boolean): Traced {
  const tape = new Tape()
  const op = recorder(tape)
  const noise: Noise[] = []
  const ids = tape.input('ids', [batch, time], 'int32')
  const labelled = labels > 0 ? [labels] : [batch, time]
  const targets = tape.input('targets', labelled, 'int32')
  const weights = tape.input('weights', labelled)
  const carry = tape.input('carry', [batch, 1])
  const sized = (shape: readonly (number | string)[]): number[] => shape.map((d) => (d === 'batch' ? batch : Number(d)))
  const params = fill(model.params, (path, spec) => tape.input(`param.${path}`, sized(spec.shape)))
  const before = fill(model.state, (path, spec) => {
    const shape = sized(spec.shape)
    if (!carried) return op.zeros(shape)
    // A row that starts a document starts from zero
    return op.mul(tape.input(`state.${path}`, shape), op.reshape(carry, [batch, ...shape.slice(1).map(() => 1)]))
  })
  const ops = tapeOps(tape, op, noise)
  const readers = training ? ops : { ...ops, dropout: (x: Node) => x }
  const frozen = frozenPaths(model.params)
  const done = model.forward(readers, params, ids, before)
  const asked = labels > 0 ? rowsOf(op, done.hidden, tape.input('labels', [labels], 'int32')) : done.hidden
  const { loss, mass } = crossEntropy(tape, op, model.logits(readers, params, asked), targets, weights)
  return {
    tape,
    op,
    params: new Map([...leaves<Node>(model.params, params)].filter(([path]) => !frozen.has(path))),
    loss,
    objective: done.auxiliary ? op.add(loss, done.auxiliary) : loss,
    mass,
    state: carried ? leaves<Node>(model.state, done.state) : new Map(),
  }
}

/** The rows of hidden (B,T,D), counted through, at `at` (N) -> (1,N,D). */
function rowsOf(op: Recorder, hidden: Node, at: Node): Node {
  return op.gather(op.reshape(hidden, [-1, hidden.shape.at(-1)!]), op.reshape(at, [1, -1]))
}

/** Adds this step's gradients to the running totals; when `apply` is 1 their mean is used and the totals start again. */
function accumulate(
  tape: Tape,
  op: Recorder,
  paths: readonly string[],
  raw: readonly Node[],
  steps: number,
  outputs: Map<string, Node>,
) {
  const flag = tape.input('apply', [])
  const apply = op.less(op.constant(0.5), flag)
  const found = raw.map((gradient, i) => {
    const total = op.add(tape.input(`total.${paths[i]}`, gradient.shape), gradient)
    outputs.set(`next.total.${paths[i]}`, op.where(apply, op.constant(0), total))
    return op.mul(total, op.constant(1 / steps))
  })
  return { apply, gradients: found }
}
