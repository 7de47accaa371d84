import { beforeAll, expect, test } from 'vitest'
import { chunkedComposites } from '../../models/chunked.ts'
import { withComposites } from '../../models/composites.ts'
import { loadTensorFlow, type Tensor, type TensorFlow } from '../../trainer/backends/tensorflow/load.ts'
import { eager } from '../../trainer/backends/tensorflow/ops.ts'
import { Random } from '../../trainer/random.ts'
import { expectClose } from '../support/all-close.ts'

/** Sums in another order. */
const CLOSE = { absolute: 2e-5, relative: 2e-5 }
const [HEADS, KEYS, VALUES] = [2, 5, 3]

let tf: TensorFlow
beforeAll(async () => {
  tf = (await loadTensorFlow('cpu')).tf
})

/** Both forms of a recurrence over `time` tokens, from a memory that is not empty. */
function bothForms(time: number, name: 'gatedAttention' | 'gatedDelta') {
  const random = new Random(`${name} ${time}`)
  const drawn = (shape: readonly number[], of: (x: number) => number = (x) => x): Tensor =>
    tf.tensor(
      Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => of(random.normal())),
      [...shape],
    )
  const along = (width: number, of?: (x: number) => number): Tensor => drawn([2, time, HEADS, width], of)
  const x = {
    q: along(KEYS),
    k: along(KEYS, (v) => v / 3),
    v: along(VALUES),
    // Some tokens make the memory forget everything: a decay must never be divided by
    g: along(1, (v) => (v > 2 ? -30 : -Math.abs(v) / 10)),
    beta: along(1, (v) => 1 / (1 + Math.exp(-v))),
    memory: drawn([2, HEADS, KEYS, VALUES]),
    heads: HEADS,
    keys: KEYS,
    values: VALUES,
    decay: 'head' as const,
  }
  const op = withComposites<Tensor>(eager(tf))
  return [op[name](x), chunkedComposites(op, ({ shape }) => shape)[name](x)] as const
}

test.each([1, 3, 64, 65, 150])('memories computed in chunks are those computed token by token: %d tokens', (time) => {
  for (const name of ['gatedAttention', 'gatedDelta'] as const) {
    const [tokens, chunks] = bothForms(time, name)
    for (const part of ['y', 'memory'] as const) {
      expect(chunks[part].shape).toEqual(tokens[part].shape)
      expectClose(chunks[part].dataSync<'float32'>(), tokens[part].dataSync<'float32'>(), {
        ...CLOSE,
        what: `${name} ${part}`,
      })
    }
  }
})
