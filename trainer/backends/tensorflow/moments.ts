/** AdamW's moments in TF.js: whole, or in blocks of 8-bit numbers as the compiled step keeps them (compile/moments.ts). */
import { BLOCK, isBlocked, TINY } from '../compile/moments.ts'
import { product } from '../compile/shapes.ts'
import type { Tensor, TensorFlow } from './load.ts'

/** What is kept of a parameter's moments, by the kind in its name: `first`, `second`, `firstScale`, `secondScale`. */
export type KeptMoments = Readonly<Record<string, Tensor>>

const largestOf = { first: 127, second: 255 } as const

/** Moments of zero for a parameter of `shape`. */
export function zeroMoments(tf: TensorFlow, shape: readonly number[], bits: 8 | 32): KeptMoments {
  if (!isBlocked(shape, bits)) return { first: tf.zeros([...shape]), second: tf.zeros([...shape]) }
  const blocks = Math.ceil(product(shape) / BLOCK)
  const numbers = (): Tensor => tf.zeros([blocks, BLOCK])
  const scale = (): Tensor => tf.zeros([blocks, 1])
  return { first: numbers(), firstScale: scale(), second: numbers(), secondScale: scale() }
}

/** The first and second moment that are meant. */
export function wholeMoments(tf: TensorFlow, kept: KeptMoments, shape: readonly number[]): [Tensor, Tensor] {
  const { first, second, firstScale, secondScale } = kept as { first: Tensor; second: Tensor } & KeptMoments
  if (!firstScale || !secondScale) return [first, second]
  const unblocked = (x: Tensor): Tensor => tf.reshape(tf.slice(tf.reshape(x, [-1]), [0], [product(shape)]), [...shape])
  // A zero stands for anything below half a unit, so half a unit is the least root
  const root = tf.maximum(tf.mul(second, secondScale), tf.mul(secondScale, 0.5))
  return [unblocked(tf.mul(first, firstScale)), unblocked(tf.square(root))]
}

/** What is kept of the moments after an update. `dither` in [0, 1) differs from update to update. */
export function keptMoments(tf: TensorFlow, first: Tensor, second: Tensor, bits: 8 | 32, dither: number): KeptMoments {
  if (!isBlocked(first.shape, bits)) return { first, second }
  return { ...quantised(tf, 'first', first, dither), ...quantised(tf, 'second', tf.sqrt(second), dither) }
}

function quantised(tf: TensorFlow, moment: 'first' | 'second', values: Tensor, dither: number): KeptMoments {
  const largest = largestOf[moment]
  const blocks = Math.ceil(values.size / BLOCK)
  const flat = tf.pad(tf.reshape(values, [values.size]), [[0, blocks * BLOCK - values.size]])
  const x = tf.reshape(flat, [blocks, BLOCK])
  const unit = tf.maximum(tf.div(tf.max(tf.abs(x), 1, true), largest), TINY)
  const phases = Float32Array.from({ length: BLOCK }, (_, i) => {
    const phase = Math.fround(((i * 0.6180339887498949) % 1) + dither)
    return phase - (phase > 1 ? 1 : 0) - 0.5
  })
  const dithered = tf.add(x, tf.mul(unit, tf.tensor(phases, [1, BLOCK])))
  const numbers = tf.clipByValue(tf.round(tf.div(dithered, unit)), moment === 'first' ? -128 : 0, largest)
  return { [moment]: numbers, [`${moment}Scale`]: unit }
}
