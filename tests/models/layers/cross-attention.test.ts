import { expect, test } from 'vitest'
import { withComposites } from '../../../models/composites.ts'
import { crossAttention, crossAttentionParams, crossAttentionPerQuery } from '../../../models/layers/cross-attention.ts'
import { emptyMask } from '../../../models/layers/window.ts'
import { fill } from '../../../models/spec.ts'
import { Random } from '../../../trainer/random.ts'
import { loadTensorFlow, type Tensor } from '../../../trainer/backends/tensorflow/load.ts'
import { eager } from '../../../trainer/backends/tensorflow/ops.ts'
import { expectClose } from '../../support/all-close.ts'

const [BATCH, TIME, ROWS, WIDTH] = [2, 3, 4, 6]

test('cross attention to rows of its own = cross attention of one token to these rows, the empty ones left out', async () => {
  const { tf } = await loadTensorFlow('cpu')
  const op = withComposites<Tensor>(eager(tf))
  const random = new Random('cross')
  const draw = (shape: readonly number[]): Tensor =>
    tf.tensor(
      Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => random.normal()),
      [...shape],
    )
  const params = fill(crossAttentionParams(WIDTH), (_, spec) => draw(spec.shape.map(Number))) as Parameters<
    typeof crossAttention<Tensor>
  >[2]
  const [from, to] = [draw([BATCH, TIME, WIDTH]), draw([BATCH, TIME, ROWS, WIDTH])]
  const held = [4, 1, 3, 2, 4, 1] // rows in use, of each token
  const mask = emptyMask(op, tf.tensor(held, [BATCH, TIME, 1]), ROWS)
  const got = crossAttentionPerQuery(op, WIDTH, params, from, to, mask)
  for (const [i, count] of held.entries()) {
    const [row, t] = [Math.floor(i / TIME), i % TIME]
    const query = tf.slice(from, [row, t, 0], [1, 1, WIDTH])
    const rows = tf.reshape(tf.slice(to, [row, t, ROWS - count, 0], [1, 1, count, WIDTH]), [1, count, WIDTH])
    const expected = crossAttention(op, WIDTH, params, query, rows).dataSync() as Float32Array
    expectClose(tf.slice(got, [row, t, 0], [1, 1, WIDTH]).dataSync(), expected, {
      absolute: 1e-5,
      relative: 1e-5,
      what: `token ${t} of row ${row}`,
    })
  }
  expect(got.shape).toEqual([BATCH, TIME, WIDTH])
})
