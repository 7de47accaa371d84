/** A model and its loss on a tape. */
import type { Model } from '../../../models/architecture.ts'
import { fill, frozenPaths, leaves, startShape } from '../../../models/spec.ts'
import { tapeOps } from './composites.ts'
import { labelledRows } from '../row-labels.ts'
import type { Arithmetic } from './emit.ts'
import { gradients } from './gradients.ts'
import { checkCarry } from '../carry.ts'
import { crossEntropy } from './objective.ts'
import { recorder } from './recorder.ts'
import { ShapeError } from './shapes.ts'
import { type Node, type Recorder, Tape } from './tape.ts'

/** The shape of a batch, and how its loss is computed. */
export interface LossOptions extends Arithmetic {
  readonly batch: number
  readonly sequenceLength: number
  /** Whether the session state goes in and out; without, every row starts from zero. */
  readonly carry: boolean
  /** Most weighted tokens of a batch; logits are computed for these only. 0: for all tokens. */
  readonly maxLabels: number
  /** Forward nodes of loops up to which they are unrolled; default UNROLLED (recorder.ts). */
  readonly unrolled?: number
}

/** The model on a tape, with its inputs. */
export interface TracedLoss {
  readonly tape: Tape
  readonly op: Recorder
  /** The parameters that training moves, by path. */
  readonly params: ReadonlyMap<string, Node>
  /** What is minimised: the cross entropy and what the model adds to it. */
  readonly objective: Node
  /** By name: loss (cross entropy alone), weightSum, and next.state.* where rows carry state. */
  readonly outputs: Map<string, Node>
}

/** Traces the loss of a batch. Inputs: ids, targets, weights, labels, carry, param.*, state.*, noise.*. */
export function traceLoss(model: Model, o: LossOptions, training: boolean): TracedLoss {
  const { batch, sequenceLength, maxLabels } = o
  if (sequenceLength % model.chunkLength !== 0)
    throw new ShapeError(`sequenceLength: expected a multiple of ${model.chunkLength}, got ${sequenceLength}`)
  const tape = new Tape()
  const op = recorder(tape, o.unrolled)
  const ids = tape.input('ids', [batch, sequenceLength], 'int32')
  const labelled = labelShape(model, o)
  const targets = tape.input('targets', labelled, 'int32')
  const weights = tape.input('weights', labelled)
  checkCarry(model, o.carry)
  const params = fill(model.params, (path, { shape }) => tape.input(`param.${path}`, startShape(shape, batch)))
  const before = stateBefore(tape, op, model, o.carry, batch)
  const ops = tapeOps(tape, op)
  const used = training ? ops : { ...ops, dropout: (x: Node) => x }
  const early = training ? model.exits : undefined
  const { result: done, losses } = tape.withLosses(() => (early ?? model).forward(used, params, ids, before))
  const labels = maxLabels > 0 ? tape.input('labels', [maxLabels], 'int32') : undefined
  const lossOf = (hidden: Node) => {
    const asked = labels ? rowsOf(op, hidden, labels) : hidden
    return crossEntropy(tape, op, model.logits(used, params, asked), targets, weights)
  }
  const { loss, weightSum } = lossOf(done.hidden)
  const exits = 'exits' in done ? done.exits : []
  for (const [i, hidden] of exits.entries()) losses.push(op.mul(lossOf(hidden).loss, op.constant(early!.weights[i]!)))
  const outputs = new Map([
    ['loss', loss],
    ['weightSum', weightSum],
  ])
  if (o.carry) for (const [path, node] of leaves<Node>(model.state, done.state)) outputs.set(`next.state.${path}`, node)
  const frozen = frozenPaths(model.params)
  if (model.contrast && training)
    losses.push(model.contrast.teaching(used, done.hidden, tape.input('vectors', [batch, model.width])))
  return {
    tape,
    op,
    params: new Map([...leaves<Node>(model.params, params)].filter(([path]) => !frozen.has(path))),
    objective: losses.reduce((a, b) => op.add(a, b), loss),
    outputs,
  }
}

/** The shape of labels and their weights. Throws ConfigError where rows have labels that the batch cannot have. */
function labelShape(model: Model, { batch, sequenceLength, maxLabels }: LossOptions): number[] {
  const rows = labelledRows(model, { batch, maxLabels })
  if (rows !== undefined) return [rows]
  return maxLabels > 0 ? [maxLabels] : [batch, sequenceLength]
}

/** The state that rows carry, zero where a row starts a document. */
function stateBefore(tape: Tape, op: Recorder, model: Model, carried: boolean, batch: number): unknown {
  if (!carried) return fill(model.state, (_, spec) => op.zeros(startShape(spec.shape, batch)))
  const continues = (carry: Node): Node => op.less(op.constant(0.5), carry) //                  (B, 1)
  let rows: Node | undefined
  return fill(model.state, (path, spec) => {
    const shape = startShape(spec.shape, batch)
    rows ??= continues(tape.input('carry', [shape[0]!, 1]))
    const ends = op.reshape(rows, [shape[0]!, ...shape.slice(1).map(() => 1)])
    // A choice, not a product: a state that is not finite must end with its row
    return op.where(ends, tape.input(`state.${path}`, shape), op.constant(0))
  })
}

/** The rows of hidden (B,T,D) at `at` (N), counted over batch and time -> (1,N,D). */
function rowsOf(op: Recorder, hidden: Node, at: Node): Node {
  return op.gather(op.reshape(hidden, [-1, hidden.shape.at(-1)!]), op.reshape(at, [1, -1]))
}

/** The gradient of the objective for each parameter, and the paths of those that no gradient reaches. */
export function parameterGradients({ tape, op, objective, params }: TracedLoss) {
  const paths = [...params.keys()]
  const found = gradients(tape, op, objective, [...params.values()])
  return {
    found: [...params.values()].map(({ shape }, i) => found[i] ?? op.zeros(shape)),
    unreached: paths.filter((_, i) => found[i] === undefined),
  }
}
