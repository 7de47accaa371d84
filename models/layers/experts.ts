/**
 * Mixture of experts: each token goes through the k of E feed-forward layers that a router chooses for it (Shazeer et
 * al. 2017, arXiv 1701.06538). Letters: E experts, k of them a token, F their inner width.
 */
import type { Ops } from '../ops.ts'
import type { Of } from '../spec.ts'
import { matrix, vector } from '../spec.ts'
import { loadBalance, zLoss } from './balance.ts'

export interface ExpertsConfig {
  readonly width: number
  readonly hidden: number
  readonly experts: number
  /** Experts of a token. */
  readonly topExperts: number
  /** `dense` runs all experts on all tokens; `sparse` takes the weights of the chosen ones, a token at a time. */
  readonly dispatch: string
  /** Weights of the losses. */
  readonly loadBalance: number
  readonly zLoss: number
  readonly dropout: number
}

export const expertsParams = (c: ExpertsConfig) => ({
  router: matrix([c.width, c.experts], 0.02),
  up: matrix([c.experts, c.width, c.hidden]),
  upBias: vector([c.experts, c.hidden], 0),
  down: matrix([c.experts, c.hidden, c.width]),
  downBias: vector([c.experts, c.width], 0),
})

type Params<T> = Of<ReturnType<typeof expertsParams>, T>

/** The decisions of a router. */
export interface Routing<T> {
  /** (B,T,k) int32, the most probable first. */
  readonly ids: T
  /** (B,T,k): what each of them counts; they sum to 1. */
  readonly shares: T
  /** (B,T,E) each: 1 where it is the j-th choice. */
  readonly choices: readonly T[]
  /** What training adds, weighted. */
  readonly loss: T
}

/** x (B,T,D), bias (B,E) added to the logits -> y (B,T,D) and the loss. */
export function experts<T>(op: Ops<T>, c: ExpertsConfig, p: Params<T>, x: T, bias: T): { y: T; loss: T } {
  const routing = routeTo(op, c, op.add(op.matmul(x, p.router), op.reshape(bias, [0, 1, -1])))
  const y = c.dispatch === 'sparse' ? sparse(op, c, p, x, routing) : dense(op, c, p, x, routing)
  return { y, loss: routing.loss }
}

/** The k most probable experts, weighted by their probabilities among themselves: logits (B,T,E). */
export function routeTo<T>(op: Ops<T>, c: ExpertsConfig, logits: T): Routing<T> {
  const probs = op.tap(op.softmax(logits), 'experts')
  const ids = op.topk(probs, c.topExperts)
  const choices = one(op, op.oneHot(ids, c.experts), c.topExperts, 2).map((x) => op.reshape(x, [0, 0, -1]))
  // One by one: only one number of each is not zero, so the sums do not depend on their order
  const chosen = choices.map((choice) => op.sum(op.mul(probs, choice), -1, true)) //          (B, T, 1)
  const total = chosen.reduce((a, b) => op.add(a, b))
  const balance = op.mul(loadBalance(op, choices[0]!, probs, c.experts), op.constant(c.loadBalance))
  const loss = op.add(balance, op.mul(zLoss(op, logits), op.constant(c.zLoss)))
  return { ids, shares: op.div(op.concat(chosen, -1), total), choices, loss }
}

/** All experts, each times what the token gives it: mostly zero. */
function dense<T>(op: Ops<T>, c: ExpertsConfig, p: Params<T>, x: T, { shares, choices }: Routing<T>): T {
  const share = one(op, shares, c.topExperts, -1)
  const weights = choices.map((choice, j) => op.mul(choice, share[j]!)).reduce((a, b) => op.add(a, b)) // (B, T, E)
  const each = one(op, weights, c.experts, -1)
  const [up, upBias, down, downBias] = [p.up, p.upBias, p.down, p.downBias].map((w) => one(op, w, c.experts, 0)) as [
    T[],
    T[],
    T[],
    T[],
  ]
  const through = (e: number): T => {
    const inner = op.gelu(op.add(op.matmul(x, op.reshape(up[e]!, [c.width, c.hidden])), upBias[e]!))
    const kept = op.dropout(inner, c.dropout)
    return op.add(op.matmul(kept, op.reshape(down[e]!, [c.hidden, c.width])), downBias[e]!)
  }
  return each.map((weight, e) => op.mul(through(e), weight)).reduce((a, b) => op.add(a, b))
}

/** Only the chosen experts: their weights are gathered for each token. */
function sparse<T>(op: Ops<T>, c: ExpertsConfig, p: Params<T>, x: T, { ids, shares }: Routing<T>): T {
  const k = c.topExperts
  const [up, down] = [p.up, p.down].map((w) => op.reshape(w, [c.experts, c.width * c.hidden])) as [T, T]
  const done = op.scan(
    (_, [token, chosen, share]) => {
      const take = (table: T, rows: number): T => op.reshape(op.gather(table, chosen!), [0, k, rows, -1])
      const tokens = op.reshape(
        op.concat(
          Array.from({ length: k }, () => token!),
          -1,
        ),
        [0, k, 1, -1],
      )
      const inner = op.gelu(op.add(op.matmul(tokens, take(up, c.width)), take(p.upBias, 1))) //  (B, k, 1, F)
      const kept = op.dropout(inner, c.dropout)
      const out = op.add(op.matmul(kept, take(down, c.hidden)), take(p.downBias, 1)) //         (B, k, 1, D)
      const weighted = one(op, op.mul(out, op.reshape(share!, [0, k, 1, 1])), k, 1)
      const y = weighted.reduce((a, b) => op.add(a, b))
      return { carry: [], y: [op.reshape(y, [0, c.width])] }
    },
    [],
    [x, ids, shares],
    1,
  )
  return done.ys[0]!
}

/** x cut into pieces of one along an axis of that size. */
const one = <T>(op: Ops<T>, x: T, size: number, axis: number): T[] =>
  op.split(
    x,
    Array.from({ length: size }, () => 1),
    axis,
  )
