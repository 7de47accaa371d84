/**
 * What a chunk of C steps with momentum and decay adds up to. Each step t does S <- m S + u_t, W <- (1 - a) W + S with m
 * and a constant in the chunk; so W_C and S_C are sums of the u_t with closed weights, and no step needs weights of its own.
 */
import type { Ops } from '../ops.ts'
import { sumOfRows } from './sums.ts'

/** W_C = keep W_0 + carry S_0 + sum_t write_t u_t; S_C = glide S_0 + sum_t push_t u_t. Undefined is 1, or no momentum. */
export interface ChunkWeights<T> {
  /** (B,1,1). */
  readonly keep?: T
  readonly carry?: T
  readonly glide?: T
  /** (B,C,1). */
  readonly write?: T
  readonly push?: T
}

/** From the logits (B,1,1) of momentum m = sigmoid(.) and decay a = sigmoid(.); undefined is none. */
export function chunkWeights<T>(op: Ops<T>, chunk: number, momentum?: T, decay?: T): ChunkWeights<T> {
  // In logarithms: log m = -softplus(-logit), log (1 - a) = -softplus(logit)
  const glide = momentum && op.neg(op.softplus(op.neg(momentum)))
  const keep = decay && op.neg(op.softplus(decay))
  const power = (log: T, times: (t: number) => number): T =>
    op.exp(
      op.mul(
        log,
        table(op, chunk, 1, (row) => times(row)),
      ),
    ) //                            (B, C, 1)
  const after = (t: number): number => chunk - 1 - t //                                         steps after t
  const last = (x: T): T => op.slice(x, 1, 0, 1) //                                             of the first step
  const whole = (log: T): T => op.exp(op.mul(log, op.constant(chunk)))
  if (!glide) return keep ? { keep: whole(keep), write: power(keep, after) } : {}

  // write_t = sum_j (1 - a)^(n - j) m^j for n steps after t: rows j, columns t
  const rows = (f: (n: number, j: number) => number): T => table(op, chunk, chunk, (j, t) => f(after(t), j))
  const glided = op.mul(
    glide,
    rows((_, j) => j),
  )
  const exponents = keep
    ? op.add(
        glided,
        op.mul(
          keep,
          rows((n, j) => Math.max(0, n - j)),
        ),
      )
    : glided
  const terms = op.mul(
    op.exp(exponents),
    rows((n, j) => (j <= n ? 1 : 0)),
  ) //                  (B, C, C)
  const write = op.transpose(sumOfRows(op, terms), [0, 2, 1])
  return {
    ...(keep ? { keep: whole(keep) } : {}),
    write,
    carry: op.mul(op.exp(glide), last(write)),
    push: power(glide, after),
    glide: whole(glide),
  }
}

const table = <T>(op: Ops<T>, rows: number, columns: number, f: (row: number, column: number) => number): T =>
  op.table(
    Array.from({ length: rows * columns }, (_, i) => f(Math.floor(i / columns), i % columns)),
    [1, rows, columns],
  )
