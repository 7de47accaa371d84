/**
 * Stage 2 of HMST: what memories are found by. InfoNCE (van den Oord et al. 2018, arXiv 1807.03748) on the episodic
 * encoder, a triplet loss (Schroff et al. 2015, arXiv 1503.03832) on a projection for semantic memory, and InfoNCE between
 * a consolidated vector and its members. The base, a model of stage 1, keeps its weights.
 */
import type { Model } from '../../../models/architecture.ts'
import {
  type EpisodicConfig,
  encodeEpisode,
  episodicParams,
  episodicState,
} from '../../../models/architectures/episodic-encoder.ts'
import type { Ops } from '../../../models/ops.ts'
import { fill, matrix, type Of, type SpecTree, vector } from '../../../models/spec.ts'
import type { Objective } from '../../objective.ts'

// N groups  T tokens  D width of the base  S width of the episodic encoder's vector  V width of the semantic vector

/** Texts of a group: a question, an episode that answers it, two tellings that do, and one that does not. */
export const ROLES = ['question', 'episode', 'told', 'again', 'other'] as const

const TEMPERATURE = 0.07
const MARGIN = 0.5
export const WEIGHTS = { episodic: 1, semantic: 0.5, consolidation: 0.3 } as const

export interface RetrievalOptions {
  readonly base: Model
  readonly encoder: EpisodicConfig
  /** V. */
  readonly semantic: number
  /** N. */
  readonly groups: number
  /** T. */
  readonly sequenceLength: number
}

const paramsOf = ({ base, encoder, semantic }: RetrievalOptions) => ({
  base: fill(base.params, (_, spec) => ({ ...spec, frozen: true })) as SpecTree,
  encoder: episodicParams(encoder),
  semantic: { weight: matrix([base.width, semantic]), bias: vector([semantic], 0) },
  consolidation: { weight: matrix([encoder.summary, semantic]), bias: vector([semantic], 0) },
})
type Linear<T> = Of<{ readonly weight: ReturnType<typeof matrix>; readonly bias: ReturnType<typeof matrix> }, T>
type Params<T> = {
  readonly base: unknown
  readonly encoder: Of<ReturnType<typeof episodicParams>, T>
  readonly semantic: Linear<T>
  readonly consolidation: Linear<T>
}

/**
 * Inputs: `ids` (5N,T) of all questions, then all episodes, and so on in the order of ROLES, and `mask` (5N,T), 0 at
 * padding. Tells the losses, and the vectors that are compared, of length 1: `questions` and `episodes` (N,S); `asked`,
 * `told` and `consolidated` (N,V).
 */
export function retrievalObjective(o: RetrievalOptions): Objective {
  const { base, encoder, groups, sequenceLength } = o
  const rows = ROLES.length * groups
  return {
    name: 'retrieval',
    params: paramsOf(o),
    inputs: {
      ids: { dtype: 'int32', shape: [rows, sequenceLength] },
      mask: { dtype: 'float32', shape: [rows, sequenceLength] },
    },
    trace<T>(op: Ops<T>, given: unknown, x: Readonly<Record<string, T>>, zeros: (shape: readonly number[]) => T) {
      const p = given as Params<T>
      const mask = op.reshape(x['mask']!, [rows, sequenceLength, 1])
      const before = (tree: SpecTree, count: number): unknown =>
        fill(tree, (_, { shape }) => zeros(shape.map((d) => (d === 'batch' ? count : Number(d)))))
      const { hidden } = base.forward(op, p.base, x['ids']!, before(base.state, rows)) //         (5N, T, D)
      const encoded = ROLES.length - 1 // all but the telling that does not answer
      const read = (y: T): T => op.slice(y, 0, 0, encoded * groups)
      const { summary } = encodeEpisode(
        op,
        encoder,
        p.encoder,
        read(hidden),
        before(episodicState(encoder) as unknown as SpecTree, encoded * groups) as Parameters<
          typeof encodeEpisode<T>
        >[4],
        read(mask),
      )
      const [question, episode, first, second] = parts(op, summary, groups, encoded) as [T, T, T, T] // (N, S)
      const projected = op.l2Normalize(linear(op, p.semantic, meanOver(op, hidden, mask)))
      const semantic = parts(op, projected, groups, ROLES.length) as [T, T, T, T, T] //            (N, V)
      const [asked, , told, again, other] = semantic
      const [questions, episodes] = [op.l2Normalize(question), op.l2Normalize(episode)]
      const mean = op.mul(op.add(first, second), op.constant(0.5))
      const consolidated = op.l2Normalize(linear(op, p.consolidation, mean))
      const losses = {
        episodic: infoNce(op, questions, episodes, groups),
        semantic: triplet(op, asked, told, other),
        consolidation: op.mul(
          op.add(infoNce(op, consolidated, told, groups), infoNce(op, consolidated, again, groups)),
          op.constant(0.5),
        ),
      }
      const terms = (['episodic', 'semantic', 'consolidation'] as const).map((name) =>
        op.mul(losses[name], op.constant(WEIGHTS[name])),
      )
      return {
        objective: terms.reduce((a, b) => op.add(a, b)),
        told: { ...losses, questions, episodes, asked, told, consolidated },
      }
    },
  }
}

const linear = <T>(op: Ops<T>, { weight, bias }: Linear<T>, x: T): T => op.add(op.matmul(x, weight), bias)

const parts = <T>(op: Ops<T>, x: T, groups: number, count: number): T[] =>
  op.split(
    x,
    Array.from({ length: count }, () => groups),
    0,
  )

/** The mean of x (B,T,D) over the tokens. */
const meanOver = <T>(op: Ops<T>, x: T, mask: T): T => op.div(op.sum(op.mul(x, mask), 1), op.sum(mask, 1))

/** Mean cross entropy of finding each row's own key among the keys of all rows. */
function infoNce<T>(op: Ops<T>, queries: T, keys: T, groups: number): T {
  const scores = op.div(op.matmul(queries, op.transpose(keys, [1, 0])), op.constant(TEMPERATURE)) // (N, N)
  const own = op.table(
    Array.from({ length: groups * groups }, (_, i) => Number(Math.floor(i / groups) === i % groups)),
    [groups, groups],
  )
  const largest = op.detach(op.max(scores, -1, true))
  const all = op.add(op.log(op.sum(op.exp(op.sub(scores, largest)), -1)), op.reshape(largest, [-1]))
  return op.mean(op.sub(all, op.sum(op.mul(scores, own), -1)), 0)
}

/** Mean of max(0, d(a, p) - d(a, n) + margin), d = 1 - cosine. */
function triplet<T>(op: Ops<T>, anchor: T, positive: T, negative: T): T {
  const cosine = (a: T, b: T): T => op.sum(op.mul(a, b), -1)
  const distance = op.add(op.sub(cosine(anchor, negative), cosine(anchor, positive)), op.constant(MARGIN))
  return op.mean(op.maximum(distance, op.constant(0)), 0)
}
