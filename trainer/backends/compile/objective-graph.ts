/** Compiles an objective: a step that moves its parameters, its gradients alone, or what it tells of a batch. */
import { fill, frozenPaths, leaves } from '../../../models/spec.ts'
import type { Objective } from '../../objective.ts'
import { type CompiledGraph, emit } from './compiled-graph.ts'
import { tapeOps } from './composites.ts'
import { gradients } from './gradients.ts'
import type { AdamW } from './optimizer.ts'
import { recorder } from './recorder.ts'
import { type Node, type Recorder, Tape } from './tape.ts'
import { update } from './update.ts'

const float32 = { precision: 'float32' } as const

interface Recorded {
  readonly tape: Tape
  readonly op: Recorder
  /** Parameters that training moves, by path. */
  readonly moving: ReadonlyMap<string, Node>
  readonly objective: Node
  /** objective and told.*, by name. */
  readonly outputs: Map<string, Node>
}

function record(objective: Objective, training: boolean): Recorded {
  const tape = new Tape()
  const op = recorder(tape)
  const params = fill(objective.params, (path, { shape }) => tape.input(`param.${path}`, shape.map(Number)))
  const inputs = Object.fromEntries(
    Object.entries(objective.inputs).map(([name, { dtype, shape }]) => [name, tape.input(name, shape, dtype)]),
  )
  const ops = tapeOps(tape, op)
  const used = training ? ops : { ...ops, dropout: (x: Node) => x }
  const { result: traced } = tape.withLosses(() => objective.trace(used, params, inputs, (shape) => op.zeros(shape)))
  const frozen = frozenPaths(objective.params)
  const told = Object.entries(traced.told).map(([name, node]) => [`told.${name}`, node] as const)
  return {
    tape,
    op,
    moving: new Map([...leaves<Node>(objective.params, params)].filter(([path]) => !frozen.has(path))),
    objective: traced.objective,
    outputs: new Map([['objective', traced.objective], ...told]),
  }
}

function movingGradients({ tape, op, objective, moving }: Recorded): Node[] {
  const found = gradients(tape, op, objective, [...moving.values()])
  return [...moving].map(([path, { shape }], i) => {
    if (!found[i])
      throw new Error(`${path}: expected a parameter that the objective depends on ([${shape.join(', ')}])`)
    return found[i]
  })
}

/** Inputs: those of the objective, param.*, noise.*, scalar.*, first.*, second.*. Outputs: objective, told.*, norm, next.*. */
export function compileObjectiveStep(objective: Objective, optimizer: AdamW): CompiledGraph {
  const recorded = record(objective, true)
  const { tape, op, moving, outputs } = recorded
  const o = { optimizer, lrScale: () => 1 }
  for (const [name, node] of update(tape, op, objective, o, moving, movingGradients(recorded))) outputs.set(name, node)
  return emit(objective.name, tape, outputs, float32)
}

/** The objective and grad.* of each parameter that training moves. */
export function compileObjectiveGradients(objective: Objective): CompiledGraph {
  const recorded = record(objective, true)
  const found = movingGradients(recorded)
  for (const [i, path] of [...recorded.moving.keys()].entries()) recorded.outputs.set(`grad.${path}`, found[i]!)
  return emit(objective.name, recorded.tape, recorded.outputs, float32)
}

/** The objective and told.* without dropout. */
export function compileTold(objective: Objective): CompiledGraph {
  const { tape, outputs } = record(objective, false)
  return emit(objective.name, tape, outputs, float32)
}
