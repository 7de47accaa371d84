import { expect, test } from 'vitest'
import { createModel } from '../../../../models/registry.ts'
import type { Device } from '../../../../runtime/device.ts'
import { stepOptions } from '../../../../trainer/backends/backend.ts'
import { compileStep } from '../../../../trainer/backends/compile/step.ts'
import { backendOptions } from '../../../support/backend-options.ts'

const model = createModel('rsm', { vocab: 7, width: 8, heads: 2, layers: 1, slots: 4, chunk: 4 })

/** Whether the step has a Scan, where every loop is longer than what the CPU unrolls. */
function hasLoop(device: Device): boolean {
  const options = backendOptions(model, { batch: 1, sequenceLength: 4 * model.chunkLength, device, unrolled: 0 })
  return Buffer.from(compileStep(model, stepOptions(options)).bytes).includes('Scan')
}

test('a step for a GPU has no loop in it, which a CUDA graph could not record', () => {
  expect([hasLoop('cpu'), hasLoop('webgpu'), hasLoop('cuda')]).toEqual([true, false, false])
})
