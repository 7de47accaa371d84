/** Layers in plain loops and double precision, one token at a time: the reference for the definitions. */
import type { MambaConfig } from '../../models/layers/mamba.ts'

export type Weights = (name: string) => Float32Array

/** y[j] = sum over i of x[i] w[i, from + j], of a matrix of `columns`. */
export const times = (x: readonly number[], w: Float32Array, columns: number, from = 0, to = columns): number[] =>
  Array.from({ length: to - from }, (_, j) => x.reduce((sum, xi, i) => sum + xi * w[i * columns + from + j]!, 0))

export const plus = (a: readonly number[], b: ArrayLike<number>): number[] => a.map((x, i) => x + b[i]!)

export const dot = (a: readonly number[], b: readonly number[]): number => a.reduce((sum, x, i) => sum + x * b[i]!, 0)

export const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x))

export function softmax(x: readonly number[]): number[] {
  const highest = Math.max(...x)
  const shares = x.map((v) => Math.exp(v - highest))
  const total = shares.reduce((a, b) => a + b, 0)
  return shares.map((v) => v / total)
}

/** Sum of shares[i] rows[i]. */
export const mixed = (shares: readonly number[], rows: readonly (readonly number[])[]): number[] =>
  rows[0]!.map((_, d) => shares.reduce((sum, share, i) => sum + share * rows[i]![d]!, 0))

export function rmsNorm(x: readonly number[], weight: Float32Array): number[] {
  const rms = Math.sqrt(dot(x, x) / x.length + 1e-5)
  return x.map((v, i) => (v / rms) * weight[i]!)
}

export function layerNorm(x: readonly number[], gain: Float32Array, bias: Float32Array): number[] {
  const mean = x.reduce((a, b) => a + b, 0) / x.length
  const centred = x.map((v) => v - mean)
  const std = Math.sqrt(dot(centred, centred) / x.length + 1e-5)
  return centred.map((v, i) => (v / std) * gain[i]! + bias[i]!)
}

/** A stack of Mamba-1 layers as the paper writes them; `step` takes one token and moves the memory. */
export class PlainMamba {
  /** Of each layer, (E, N) row-major. */
  readonly memory: number[][]
  readonly #inputs: number[][][]
  readonly #c: MambaConfig
  readonly #of: Weights

  /** `of` gives a stack's weights by the paths of mambaStackParams. */
  constructor(c: MambaConfig, layers: number, of: Weights) {
    this.#c = c
    this.#of = of
    this.#inputs = Array.from({ length: layers }, () => [])
    this.memory = this.#inputs.map(() => Array.from({ length: c.width * c.expansion * c.states }, () => 0))
  }

  step(x: readonly number[]): number[] {
    const out = this.memory.reduce<readonly number[]>((u, _, layer) => {
      return plus(u, this.mix(layer, rmsNorm(u, this.#of(`layers.${layer}.mixerNorm`))))
    }, x)
    return rmsNorm(out, this.#of('norm'))
  }

  /** One layer alone, of what has been normalised for it. */
  mix(layer: number, x: readonly number[]): number[] {
    const { width, expansion, states, conv } = this.#c
    const inner = width * expansion
    const rank = Math.ceil(width / 16)
    const w = (name: string): Float32Array => this.#of(`layers.${layer}.mixer.${name}`)
    const gate = times(x, w('inProj'), 2 * inner, inner)
    const inputs = this.#inputs[layer]!
    inputs.push(times(x, w('inProj'), 2 * inner, 0, inner))
    const mixed = Array.from(w('convBias'), (bias, e) => {
      let sum = bias
      for (let tap = 0; tap < conv; tap++) sum += (inputs.at(tap - conv)?.[e] ?? 0) * w('conv')[tap * inner + e]!
      return sum * sigmoid(sum)
    })
    const selected = times(mixed, w('xProj'), rank + 2 * states)
    const steps = plus(times(selected.slice(0, rank), w('dtProj'), inner), w('dtBias')).map((s) =>
      Math.log1p(Math.exp(s)),
    )
    const memory = this.memory[layer]!
    const y = mixed.map((value, e) => {
      let sum = value * w('D')[e]!
      for (let n = 0; n < states; n++) {
        const at = e * states + n
        const decay = Math.exp(-Math.exp(w('ALog')[at]!) * steps[e]!)
        memory[at] = decay * memory[at]! + steps[e]! * selected[rank + n]! * value
        sum += selected[rank + states + n]! * memory[at]
      }
      return sum * gate[e]! * sigmoid(gate[e]!)
    })
    return times(y, w('outProj'), width)
  }
}
