/** The layers of RWKV-4 (Peng et al. 2023, arXiv 2305.13048). Letters: A channels of the attention. */
import { module, type Module } from '../module.ts'
import type { Ops } from '../ops.ts'
import { linearParams, stateOf, vector } from '../spec.ts'

/** Below every exponent: the largest one of no tokens. */
const NOTHING = -1e38

/** Each row of x (B,T,D) as a mixture with the row before it: the first one's is `last` (B,D). */
function mixtures<T>(op: Ops<T>, x: T, last: T, weights: readonly T[]): T[] {
  const rows = op.concat([op.reshape(last, [0, 1, -1]), x], 1)
  const before = op.slice(rows, 1, 0, -1)
  return weights.map((weight) => op.add(op.mul(x, weight), op.mul(before, op.sub(op.constant(1), weight))))
}

const lastRow = <T>(op: Ops<T>, x: T): T => op.reshape(op.slice(x, 1, -1), [0, -1])

/** An exponentially weighted mean of values, with weights e^key that decay, behind a sigmoid gate. */
export function receptanceAttention(width: number, size: number): Module {
  const params = {
    time_decay: vector([size], 0),
    time_first: vector([size], 0),
    time_mix_key: vector([width], 0.5),
    time_mix_value: vector([width], 0.5),
    time_mix_receptance: vector([width], 0.5),
    key: linearParams(width, size),
    value: linearParams(width, size),
    receptance: linearParams(width, size),
    output: linearParams(size, width),
  }
  const state = { last: stateOf(width), numerator: stateOf(size), denominator: stateOf(size), largest: stateOf(size) }
  return module(params, state, (op, p, x, past, pass) => {
    const mixed = mixtures(op, x, past.last, [p.time_mix_key, p.time_mix_value, p.time_mix_receptance])
    const [key, value] = [op.linear(mixed[0]!, p.key.weight), op.linear(mixed[1]!, p.value.weight)]
    const gate = op.sigmoid(op.linear(mixed[2]!, p.receptance.weight))
    const empty = op.less(pass.filled, op.constant(0.5))
    const largest = op.where(empty, op.constant(NOTHING), past.largest)
    const carry = [past.numerator, past.denominator, largest]
    const done = weightedMeans(op, { key, value, first: p.time_first, decay: op.exp(p.time_decay), carry })
    const [numerator, denominator, top] = done.carry as [typeof x, typeof x, typeof x]
    const y = op.linear(op.mul(gate, done.y), p.output.weight)
    return { y, state: { last: lastRow(op, x), numerator, denominator, largest: top } }
  })
}

interface WeightedMeans<T> {
  /** (B,T,A) each. */
  readonly key: T
  readonly value: T
  /** Added to the key of the token itself; what all keys lose in a step. (A) each. */
  readonly first: T
  readonly decay: T
  /** Numerator, denominator, and the exponent that both are scaled by: (B,A) each. */
  readonly carry: readonly T[]
}

/** One token a step. Exponents are taken less the largest one, so that none overflows. */
function weightedMeans<T>(op: Ops<T>, x: WeightedMeans<T>): { y: T; carry: T[] } {
  const { carry, ys } = op.scan(
    ([numerator, denominator, largest], [key, value]) => {
      const join = (before: T, now: T) => {
        const top = op.maximum(before, now)
        return { top, old: op.exp(op.sub(before, top)), own: op.exp(op.sub(now, top)) }
      }
      const read = join(largest!, op.add(key!, x.first))
      const weighted = op.add(op.mul(read.old, numerator!), op.mul(read.own, value!))
      const y = op.div(weighted, op.add(op.mul(read.old, denominator!), read.own)) //           (B, A)
      const kept = join(op.sub(largest!, x.decay), key!)
      const next = op.add(op.mul(kept.old, numerator!), op.mul(kept.own, value!))
      return { carry: [next, op.add(op.mul(kept.old, denominator!), kept.own), kept.top], y: [y] }
    },
    [...x.carry],
    [x.key, x.value],
    1,
  )
  return { y: ys[0]!, carry }
}

/** sigmoid(receptance) * value(relu(key)^2), each of a mixture with the token before. */
export function receptanceMlp(width: number, hidden: number): Module {
  const params = {
    time_mix_key: vector([width], 0.5),
    time_mix_receptance: vector([width], 0.5),
    key: linearParams(width, hidden),
    receptance: linearParams(width, width),
    value: linearParams(hidden, width),
  }
  return module(params, { last: stateOf(width) }, (op, p, x, past) => {
    const mixed = mixtures(op, x, past.last, [p.time_mix_key, p.time_mix_receptance])
    const positive = op.maximum(op.linear(mixed[0]!, p.key.weight), op.constant(0))
    const inner = op.linear(op.mul(positive, positive), p.value.weight)
    const gate = op.sigmoid(op.linear(mixed[1]!, p.receptance.weight))
    return { y: op.mul(gate, inner), state: { last: lastRow(op, x) } }
  })
}
