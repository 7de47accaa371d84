/**
 * Mixtures of experts in which only chosen experts are computed. The tokens of one call are put in the order of their
 * experts, each expert's matrix is a product with its own tokens, and a product of no tokens costs its call. ONNX
 * Runtime's operators for this, MoE and QMoE, are not used: version 1.30 dequantises each chosen expert again in each
 * call (docs/results.md has their times).
 *
 * Letters: N tokens of the call, P pairs of an expert and one of its tokens, k experts a token.
 */
import type { MixtureOfExperts } from '../models/ops.ts'
import type { Attribute, GraphBuilder, Value } from './onnx/graph.ts'

/** One of the two matrices that each expert has. */
export interface ExpertMatrices {
  /** What the products read of x (..., K): x, or more than x. */
  prepare(x: Value): Value
  /** Prepared rows (1, M, K), M of which may be 0, times the transpose of the matrix of `expert`. */
  multiply(x: Value, expert: number): Value
  /** Whether a row has other last bits alone than among others. */
  readonly alone: boolean
}

type Node = (type: string, inputs: readonly Value[], attributes?: Readonly<Record<string, Attribute>>) => Value

/** The fused form of the composite. x.up and x.down are not read: `up` and `down` have their place. */
export function chosenExperts(
  graph: GraphBuilder,
  x: MixtureOfExperts<Value>,
  up: ExpertMatrices,
  down: ExpertMatrices,
): Value {
  const node: Node = (type, inputs, attributes) => graph.node(type, inputs, attributes)[0]!
  const ints = (...values: number[]): Value => graph.constant('int64', [values.length], values)
  const split = (value: Value, counts: Value, axis: number, parts: number): Value[] =>
    graph.node('Split', [value, counts], { axis: { int: axis } }, parts)
  // When a graph is loaded, ONNX Runtime looks for each value of known rank through all values that have been freed, whether
  // one has the same sizes. With thousands of products that takes minutes; a rank that it cannot infer ends the search.
  const unknownShape = (counts: Value): Value => {
    const pairs = node('ReduceSum', [counts], { keepdims: { int: 0 } })
    const shape = node('Concat', [ints(1), node('Reshape', [pairs, ints(1)]), ints(-1)], { axis: { int: 0 } })
    // As many numbers of the three as there are, which only a run can tell.
    return node('Slice', [shape, ints(0), node('Add', [node('Reshape', [pairs, ints(1)]), ints(3)]), ints(0)])
  }
  const eachExpert = (prepared: Value, counts: Value, matrices: ExpertMatrices): Value => {
    const parts = split(node('Reshape', [prepared, unknownShape(counts)]), counts, 1, x.experts)
    return node(
      'Concat',
      parts.map((part, expert) => matrices.multiply(part, expert)),
      { axis: { int: 1 } },
    )
  }

  const chosen = node('Reshape', [x.chosen, ints(-1, x.experts)]) //                               (N, E)
  const tokens = node('Shape', [chosen], { start: { int: 0 }, end: { int: 1 } })
  const single = node('Transpose', [chosen], { perm: { ints: [1, 0] } }) //                        (E, N)
  const padded = up.alone || down.alone
  const byExpert = padded ? withCompany(node, ints, graph, single, tokens) : single //             (E, N or N+1)
  const counts = node('Cast', [node('ReduceSum', [byExpert, ints(1)], { keepdims: { int: 0 } })], { to: { int: 7 } })
  const [experts, found] = split(node('NonZero', [byExpert]), ints(1, 1), 0, 2).map((v) =>
    node('Reshape', [v, ints(-1)]),
  ) as [Value, Value] //                                                                           (P), (P)
  const token = padded ? node('Min', [found, node('Sub', [tokens, ints(1)])]) : found

  const input = node('Reshape', [up.prepare(x.x), ints(1, -1, 0)]) //                              (1, N, D)
  const rows = node('Gather', [input, token], { axis: { int: 1 } }) //                             (1, P, D)
  const product = eachExpert(rows, counts, up)
  const biased = x.upBias ? node('Add', [product, node('Gather', [x.upBias, experts])]) : product
  const y = eachExpert(down.prepare(x.activate(biased)), counts, down) //                                        (1, P, D)

  // For each token its experts in their order, and where their rows are.
  const place = node('Sub', [
    node('CumSum', [node('Reshape', [byExpert, ints(-1)]), graph.constant('int64', [], [0])]),
    graph.constant('float32', [], [1]),
  ])
  const byToken = node('Transpose', [node('Reshape', [place, ints(x.experts, -1)])], { perm: { ints: [1, 0] } })
  const pairs = node('Transpose', [node('NonZero', [chosen])], { perm: { ints: [1, 0] } }) //      (N*k, 2)
  const where = node('Cast', [node('GatherND', [byToken, pairs])], { to: { int: 7 } }) //          (N*k)
  const share = node('GatherND', [node('Reshape', [x.share, ints(-1, x.experts)]), pairs])
  const mixed = node('MatMul', [
    node('Reshape', [share, ints(-1, 1, x.top)]),
    node('Reshape', [node('Gather', [y, where], { axis: { int: 1 } }), ints(-1, x.top, x.width)]),
  ]) //                                                                                            (N, 1, D)
  const whole = node('Reshape', [mixed, node('Shape', [x.x])])
  return x.downBias ? node('Add', [whole, node('MatMul', [x.share, x.downBias])]) : whole
}

/**
 * (E, N+1): an expert with one of several tokens gets another row, whose result nobody reads. Else the last bits of a
 * token would depend on whether others of its call have the same expert. A token that is alone in its call stays alone.
 */
function withCompany(
  node: Node,
  ints: (...values: number[]) => Value,
  graph: GraphBuilder,
  byExpert: Value,
  tokens: Value,
): Value {
  const float = (x: Value): Value => node('Cast', [x], { to: { int: 1 } })
  const count = node('ReduceSum', [byExpert, ints(1)], { keepdims: { int: 1 } })
  const lonely = float(node('Equal', [count, graph.constant('float32', [], [1])]))
  const extra = node('Mul', [lonely, float(node('Greater', [tokens, ints(1)]))])
  return node('Concat', [byExpert, extra], { axis: { int: 1 } })
}
