import { existsSync } from 'node:fs'
import { test } from 'vitest'
import { expectAsOnCpu, VULKAN } from './device-training.ts'

test.skipIf(!existsSync(VULKAN)).each([1, 2])(
  'with %d batches an update, training on a WebGPU device leaves behind what it does on the CPU',
  (accumulate) => expectAsOnCpu('webgpu', { accumulate }),
  300_000,
)
