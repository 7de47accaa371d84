/**
 * A loop as one operation of a tape, which becomes one ONNX Scan. Its derivative is a Scan that runs backwards over the
 * values which the forward one saved of every step.
 */
import type { Primitives } from '../../../models/ops.ts'
import { vectorJacobianProduct } from './gradients.ts'
import { product, ShapeError } from './shapes.ts'
import { ancestors, type Group, groupNode, type Node, type Recorder, replay, type Scope, type Tape } from './tape.ts'

export type Step = Parameters<Primitives<Node>['scan']>[0]

type Shaped = Pick<Node, 'shape' | 'dtype'>

/** One traced step: its inputs and results, and the nodes around the loop that it reads. */
export interface Body {
  readonly scope: Scope
  readonly carryIn: readonly Node[]
  readonly sliceIn: readonly Node[]
  readonly carryOut: readonly Node[]
  readonly yOut: readonly Node[]
  /** The sum of the losses that the step adds. */
  readonly loss: Node | undefined
}

/** Traces `step` on one slice of `xs` along `axis`. */
export function traceBody(
  tape: Tape,
  op: Recorder,
  step: Step,
  carry: readonly Shaped[],
  xs: readonly Shaped[],
  axis: number,
): Body {
  const { scope, result } = tape.body(() => {
    const carryIn = carry.map(({ shape, dtype }) => tape.input('carry', shape, dtype))
    const sliceIn = xs.map((x) => sliceInput(tape, x, axis))
    const { result, losses } = tape.withLosses(() => step(carryIn, sliceIn))
    const loss = losses.length === 0 ? undefined : losses.reduce((a, b) => op.add(a, b))
    return { carryIn, sliceIn, carryOut: result.carry, yOut: result.y, loss }
  })
  for (const [i, { shape }] of carry.entries())
    if (result.carryOut[i]!.shape.join() !== shape.join())
      throw new ShapeError(`carry ${i}: expected [${shape.join(', ')}], got [${result.carryOut[i]!.shape.join(', ')}]`)
  return { scope, ...result }
}

const sliceInput = (tape: Tape, { shape, dtype }: Shaped, axis: number): Node =>
  tape.input('slice', shape.toSpliced(axis, 1), dtype)

/** A node that is sliced, or stacked, along an axis. */
interface Along {
  readonly node: Node
  readonly axis: number
}

/** A loop operation: the nodes that go in, and the traced body that takes them. */
interface LoopNode {
  readonly scope: Scope
  readonly carry: readonly Node[]
  readonly carryIn: readonly Node[]
  readonly carryOut: readonly Node[]
  readonly sliced: readonly Along[]
  /** The nodes that the body reads in the place of each slice. */
  readonly sliceIn: readonly Node[]
  /** Nodes of the body whose values of all steps are stacked. */
  readonly stacked: readonly Along[]
  /** Nodes around the loop that the body reads. */
  readonly captured: readonly Node[]
  readonly steps: number
  readonly reverse: boolean
}

/** Records the loop whose step has been traced as `body`. */
export function recordLoop(
  tape: Tape,
  op: Recorder,
  body: Body,
  carry: readonly Node[],
  xs: readonly Node[],
  axis: number,
): { carry: Node[]; ys: Node[] } {
  const steps = xs[0]!.shape[axis]!
  const { scope, loss, carryIn, carryOut } = body
  tape.hoist(scope)
  const ys: Along[] = body.yOut.map((node) => ({ node, axis }))
  if (loss) ys.push({ node: loss, axis: 0 })
  const common = {
    scope,
    carry,
    carryIn,
    carryOut,
    sliced: [...xs.map((node) => ({ node, axis })), ...noiseOf(tape, op, scope.noise, steps)],
    sliceIn: [...body.sliceIn, ...scope.noise],
    captured: capturedBy(scope, [...carryOut, ...ys.map(({ node }) => node)]),
    steps,
    reverse: false,
  }
  const saved = residuals(tape, op, { ...common, stacked: ys })
  const forward: LoopNode = { ...common, stacked: [...ys, ...saved.map((node) => ({ node, axis: 0 }))] }
  const nodes = loopNodes(tape, forward, (found, needed) =>
    differentiate(tape, op, { forward, ys: ys.length, results: nodes }, found, needed),
  )
  const stacked = nodes.slice(carry.length, carry.length + ys.length)
  if (loss) tape.addLoss(op.mean(stacked.pop()!, 0))
  return { carry: nodes.slice(0, carry.length), ys: stacked }
}

/** The nodes outside of the scope that it reads, constants left out. */
function capturedBy(scope: Scope, outputs: readonly Node[], but?: Scope): Node[] {
  const read = [...scope.nodes.flatMap((node) => node.inputs), ...outputs]
  const outside = (node: Node): boolean =>
    node.scope !== scope && node.scope !== but && node.kind !== 'constant' && node.kind !== 'table'
  return [...new Set(read.filter(outside))]
}

/** Random numbers for every step, drawn in the order in which an unrolled loop asks for them. */
function noiseOf(tape: Tape, op: Recorder, noise: readonly Node[], steps: number): Along[] {
  if (noise.length === 0) return []
  const sizes = noise.map(({ shape }) => product(shape))
  const all = tape.noise([steps, sizes.reduce((a, b) => a + b)])
  return op.split(all, sizes, 1).map((part, i) => ({ node: op.reshape(part, [steps, ...noise[i]!.shape]), axis: 0 }))
}

/** Records the results of a loop: the last carries, then what is stacked. */
function loopNodes(tape: Tape, loop: LoopNode, rule: Group['rule']): Node[] {
  const { carry, sliced, stacked, captured, steps } = loop
  const inputs = [...carry, ...sliced.map(({ node }) => node), ...captured]
  const group: Group = {
    nodes: [],
    rule,
    emit(op, values, wanted) {
      const used = stacked.flatMap((_, i) => (wanted[carry.length + i] ? [i] : []))
      const outside = values.slice(carry.length + sliced.length)
      const done = op.loop({
        carry: values.slice(0, carry.length),
        xs: sliced.map(({ axis }, i) => ({ value: values[carry.length + i]!, axis })),
        outputAxis: (i) => stacked[used[i]!]!.axis,
        reverse: loop.reverse,
        step(carryIn, slices) {
          const given = new Map(captured.map((node, i) => [node, outside[i]!]))
          for (const [i, node] of loop.carryIn.entries()) given.set(node, carryIn[i]!)
          for (const [i, node] of loop.sliceIn.entries()) given.set(node, slices[i]!)
          const out = replay(loop.scope.nodes, op, given, [...loop.carryOut, ...used.map((i) => stacked[i]!.node)])
          return { carry: out.slice(0, carry.length), y: out.slice(carry.length) }
        },
      })
      const ys = new Map(used.map((i, at) => [i, done.ys[at]!]))
      return [...done.carry, ...stacked.map((_, i) => ys.get(i))]
    },
  }
  for (const { shape, dtype } of carry) group.nodes.push(groupNode(tape, 'loop', group, inputs, shape, dtype))
  for (const { node, axis } of stacked)
    group.nodes.push(groupNode(tape, 'loop', group, inputs, node.shape.toSpliced(axis, 0, steps), node.dtype))
  return group.nodes
}

const isReal = (node: Shaped): boolean => node.dtype === 'float32'

/** Whether a value is the same whatever the inputs of the tape are: nobody asks for derivatives with respect to it. */
const isConstant = (node: Node): boolean => ![...ancestors([node])].some(({ kind }) => kind === 'input')

/** The backward step of a loop, traced: what it reads beside the values of the forward step. */
interface Backward {
  readonly scope: Scope
  readonly carryIn: readonly Node[]
  readonly carryOut: readonly Node[]
  readonly gradientIn: readonly Node[]
  /** Gradients of the wanted slices. */
  readonly yOut: readonly Node[]
}

/**
 * Traces the derivative of one step. Carried are the gradients of the carries `moving`, and the totals of the gradients
 * of the nodes `outside`; the gradients of the results `seeded` are sliced.
 */
function traceBackward(
  tape: Tape,
  op: Recorder,
  loop: LoopNode,
  moving: readonly number[],
  seeded: readonly Along[],
  slices: readonly Node[],
  outside: readonly Node[],
): Backward {
  const { scope, result } = tape.body(() => {
    const carried = moving.map((i) => tape.input('carry', loop.carry[i]!.shape))
    const totals = outside.map(({ shape }) => tape.input('carry', shape))
    const gradientIn = seeded.map(({ node }) => tape.input('slice', node.shape))
    const seeds = [
      ...moving.map((i, at) => [loop.carryOut[i]!, carried[at]!] as const),
      ...seeded.map(({ node }, i) => [node, gradientIn[i]!] as const),
    ]
    const wrt = [...moving.map((i) => loop.carryIn[i]!), ...slices, ...outside]
    const found = vectorJacobianProduct(tape, op, loop.scope.nodes, seeds, wrt)
    const gradient = (i: number): Node => found[i] ?? op.zeros(wrt[i]!.shape)
    const total = (node: Node, k: number): Node => {
      const g = found[moving.length + slices.length + k]
      return g ? op.add(node, g) : node
    }
    return {
      carryIn: [...carried, ...totals],
      carryOut: [...moving.map((_, i) => gradient(i)), ...totals.map(total)],
      gradientIn,
      yOut: slices.map((_, j) => gradient(moving.length + j)),
    }
  }, loop.scope)
  return { scope, ...result }
}

/** The nodes of the forward step that the backward step reads. */
function readOf(loop: LoopNode, { scope, carryOut, yOut }: Backward): Node[] {
  const read = [...scope.nodes.flatMap((node) => node.inputs), ...carryOut, ...yOut]
  return [...new Set(read.filter((node) => node.scope === loop.scope))]
}

const movingOf = (loop: LoopNode): number[] => loop.carry.flatMap((node, i) => (isReal(node) ? [i] : []))

/** What the derivative may read of each step, and has to be saved for it: all but the slices that come from outside. */
function residuals(tape: Tape, op: Recorder, loop: LoopNode): Node[] {
  const reals = loop.sliceIn.filter(isReal)
  const outside = loop.captured.filter((node) => isReal(node) && !isConstant(node))
  const backward = traceBackward(tape, op, loop, movingOf(loop), loop.stacked, reals, outside)
  return readOf(loop, backward).filter((node) => !loop.sliceIn.includes(node))
}

interface Differentiated {
  readonly forward: LoopNode
  /** How many of what is stacked are results; the others are saved for the derivative. */
  readonly ys: number
  readonly results: readonly Node[]
}

/** Derivatives with respect to the inputs of a loop, by a loop from its last step to the first. */
function differentiate(
  tape: Tape,
  op: Recorder,
  { forward, ys, results }: Differentiated,
  found: readonly (Node | undefined)[],
  needed: readonly boolean[],
): (Node | undefined)[] {
  const { carry, sliced, sliceIn, captured, stacked, steps } = forward
  const moving = movingOf(forward)
  const slices = sliced.flatMap(({ node }, j) => (needed[carry.length + j] && isReal(node) ? [j] : []))
  const outside = captured.filter((node, k) => needed[carry.length + sliced.length + k] && isReal(node))
  const seeded = stacked.slice(0, ys).flatMap((y, i) => (found[carry.length + i] ? [i] : []))
  const backward = traceBackward(
    tape,
    op,
    forward,
    moving,
    seeded.map((i) => stacked[i]!),
    slices.map((j) => sliceIn[j]!),
    outside,
  )

  const read = readOf(forward, backward)
  const valuesOf = (node: Node): Along => {
    const j = sliceIn.indexOf(node)
    if (j >= 0) return sliced[j]!
    const i = stacked.findIndex((saved, at) => at >= ys && saved.node === node)
    if (i < 0) throw new Error(`loop: the derivative reads ${node.name}, which was not saved`)
    return { node: results[carry.length + i]!, axis: 0 }
  }
  const seeds = seeded.map((i): Along => ({ node: found[carry.length + i]!, axis: stacked[i]!.axis }))
  const { scope, carryIn, carryOut, gradientIn, yOut } = backward
  const nodes = loopNodes(
    tape,
    {
      scope,
      carry: [
        ...moving.map((i) => found[i] ?? op.zeros(carry[i]!.shape)),
        ...outside.map(({ shape }) => op.zeros(shape)),
      ],
      carryIn,
      carryOut,
      sliced: [...read.map(valuesOf), ...seeds],
      sliceIn: [...read, ...gradientIn],
      stacked: yOut.map((node, j) => ({ node, axis: sliced[slices[j]!]!.axis })),
      captured: capturedBy(scope, [...carryOut, ...yOut], forward.scope),
      steps,
      reverse: true,
    },
    () => {
      throw new Error('loop: the derivative of a derivative has no rule')
    },
  )
  const at = (wanted: readonly unknown[], item: unknown, offset: number): Node | undefined =>
    wanted.includes(item) ? nodes[offset + wanted.indexOf(item)] : undefined
  return [
    ...carry.map((_, i) => at(moving, i, 0)),
    ...sliced.map((_, j) => at(slices, j, moving.length + outside.length)),
    ...captured.map((node) => at(outside, node, moving.length)),
  ]
}
