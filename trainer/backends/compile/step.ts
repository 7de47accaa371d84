/** A whole training step as one ONNX graph: forward, backward, clipping, AdamW, and the session state carried on. */
import type { Model } from '../../../models/architecture.ts'
import { type CompiledGraph, emit } from './compiled-graph.ts'
import type { Arithmetic } from './emit.ts'
import type { AdamW } from './optimizer.ts'
import { peakBytes } from './peak.ts'
import { recompute } from './recompute.ts'
import type { Node, Recorder, Tape } from './tape.ts'
import { type LossOptions, parameterGradients, traceLoss } from './traced-loss.ts'
import { update } from './update.ts'

export interface StepOptions extends LossOptions {
  readonly optimizer: AdamW
  /** Batches whose gradients are averaged, by their weights, before the parameters move. */
  readonly accumulate: number
  /** Learning rate of a parameter relative to the schedule's. */
  readonly lrScale: (path: string) => number
  /** Segments of the forward pass of which only one is held at a time (gradient checkpointing); 1: all is kept. */
  readonly recompute: number
}

/** A graph that computes gradients. */
export interface TrainingGraph extends CompiledGraph {
  /** Parameters that no gradient reaches: the loss does not depend on them. */
  readonly unreached: readonly string[]
  /** The most that values take at once which are neither inputs nor outputs, when they are computed in order. */
  readonly valueBytes: number
}

/** Parameters that no gradient reaches. */
export const unreachedParameters = (model: Model, o: LossOptions): readonly string[] =>
  parameterGradients(traceLoss(model, o, true)).unreached

/**
 * A training step. Inputs: what traceLoss says, scalar.*, first.* and second.*; with `accumulate` also share, apply and
 * total.*. Outputs: loss, weightSum, norm, and next.* of all that changes.
 */
export function compileStep(model: Model, o: StepOptions): TrainingGraph {
  const traced = traceLoss(model, o, true)
  const { tape, op, params } = traced
  const forward = tape.nodes.length
  const { found, unreached } = parameterGradients(traced)
  const outputs = new Map(traced.outputs)
  const sum = o.accumulate > 1 ? accumulate(tape, op, [...params.keys()], found, outputs) : undefined
  for (const [name, node] of update(tape, op, model, o, params, sum?.gradients ?? found, sum?.apply))
    outputs.set(name, node)
  return { ...emitRecomputed('step', tape, forward, outputs, o), unreached }
}

/** The loss alone, for held-out text. Inputs: what traceLoss says. Outputs: loss, weightSum, next.state.*. */
export function compileLoss(model: Model, o: LossOptions): CompiledGraph {
  const { tape, outputs } = traceLoss(model, o, false)
  return emit('loss', tape, outputs, o)
}

/** The loss and its gradients: the part of a step that devices share. Outputs: loss, weightSum, grad.*, next.state.*. */
export function compileGradients(model: Model, o: LossOptions & Partial<StepOptions>): TrainingGraph {
  const traced = traceLoss(model, o, true)
  const forward = traced.tape.nodes.length
  const { found, unreached } = parameterGradients(traced)
  const outputs = new Map(traced.outputs)
  for (const [i, path] of [...traced.params.keys()].entries()) outputs.set(`grad.${path}`, found[i]!)
  return { ...emitRecomputed('gradients', traced.tape, forward, outputs, o), unreached }
}

function emitRecomputed(
  name: string,
  tape: Tape,
  forward: number,
  outputs: ReadonlyMap<string, Node>,
  o: Arithmetic & Partial<StepOptions>,
): Omit<TrainingGraph, 'unreached'> {
  const segments = o.recompute ?? 1
  const [last, wanted] = segments > 1 ? recompute(tape, forward, outputs, segments) : [tape, outputs]
  return { ...emit(name, last, wanted, o), valueBytes: peakBytes(last.nodes, [...wanted.values()]) }
}

/** Adds the share of this batch to the running totals, which are used and start again when `apply` is 1. */
function accumulate(
  tape: Tape,
  op: Recorder,
  paths: readonly string[],
  found: readonly Node[],
  outputs: Map<string, Node>,
): { apply: Node; gradients: Node[] } {
  const share = tape.input('share', [])
  const apply = op.less(op.constant(0.5), tape.input('apply', []))
  const totals = found.map((gradient, i) => {
    const total = op.add(tape.input(`total.${paths[i]}`, gradient.shape), op.mul(gradient, share))
    outputs.set(`next.total.${paths[i]}`, op.where(apply, op.constant(0), total))
    return total
  })
  return { apply, gradients: totals }
}
