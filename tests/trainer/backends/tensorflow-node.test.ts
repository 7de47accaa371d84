/** TensorFlow's own kernels judge the compiled step: `npm run setup:tensorflow` installs what this runs on. */
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { Model } from '../../../models/architecture.ts'
import { createCompiledBackend } from '../../../trainer/backends/compile/backend.ts'
import { type Batch, emptyBatch } from '../../../trainer/data/batch.ts'
import { Random } from '../../../trainer/random.ts'
import { createTensorFlowBackend } from '../../../trainer/backends/tensorflow/backend.ts'
import { loadTensorFlow } from '../../../trainer/backends/tensorflow/load.ts'
import { configurations } from '../../models/configurations.ts'
import { expectClose } from '../../support/all-close.ts'
import { backendOptions } from '../../support/backend-options.ts'

const BATCH = 3
const STEPS = 20
/** Three times this, and twenty steps of delta magnify the last bit's rounding beyond the tolerance, on every TF.js build. */
const RATE = 1e-3

/** The built addon, not the package alone: where it is, a failure to load it has to fail these tests. */
const installed = ((): boolean => {
  try {
    const package_ = dirname(createRequire(import.meta.url).resolve('@tensorflow/tfjs-node/package.json'))
    return existsSync(join(package_, 'lib/napi-v8/tfjs_binding.node'))
  } catch {
    return false
  }
})()

const optionsFor = (model: Model, time: number) => backendOptions(model, { batch: BATCH, sequenceLength: time })

function randomBatch(model: Model, time: number, seed: number): Batch {
  const random = new Random(`tensorflow batch ${seed}`)
  const batch = emptyBatch(BATCH, time)
  for (let i = 0; i < BATCH * time; i++) {
    batch.ids[i] = random.int(model.vocab)
    batch.targets[i] = (batch.ids[i]! * 5 + 2) % model.vocab
    batch.weights[i] = random.pick([0, 1, 2])
  }
  batch.carry.fill(seed === 0 ? 0 : 1)
  return batch
}

describe.skipIf(!installed)('on tfjs-node', () => {
  test('loads by its name and says which TensorFlow it is', async () => {
    const { tf, build } = await loadTensorFlow('node')
    expect(build).toBe('node')
    expect(tf.getBackend()).toBe('tensorflow')
    expect([...tf.matMul(tf.ones([2, 3]), tf.ones([3, 2])).dataSync()]).toEqual([3, 3, 3, 3])
  })

  test.each(configurations.filter(({ first }) => first))(
    '$name: twenty steps have the losses of the compiled backend to 1e-3',
    async ({ model }) => {
      const time = model.chunkLength > 1 ? 3 * model.chunkLength : 18
      const backends = [
        await createCompiledBackend(optionsFor(model, time), 5),
        await createTensorFlowBackend(optionsFor(model, time), 5, 'node'),
      ]
      const losses: number[][] = [[], []]
      for (let step = 0; step < STEPS; step++)
        for (const [i, backend] of backends.entries())
          losses[i]!.push((await backend.update([randomBatch(model, time, step % 2)], RATE, step + 1)).loss)
      for (const backend of backends) backend.close()
      expectClose(losses[0]!, losses[1]!, { absolute: 1e-3, relative: 0, what: 'loss at step' })
      expect(losses[0]!.at(-2)).toBeLessThan(losses[0]![0]! - 0.03)
    },
  )
})
