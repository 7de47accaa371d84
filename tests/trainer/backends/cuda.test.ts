import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'
import { expectClose } from '../../support/all-close.ts'
import { expectAsOnCpu, train } from './device-training.ts'

/** What `npm run setup:cuda` puts there, and the driver's device. */
const CUDA = [
  join(
    dirname(createRequire(import.meta.url).resolve('onnxruntime-node/package.json')),
    'bin/napi-v6/linux/x64/libonnxruntime_providers_cuda.so',
  ),
  '/dev/nvidiactl',
]

const withCuda = test.skipIf(!CUDA.every(existsSync))

withCuda.each([1, 2])(
  'with %d batches an update, training on a CUDA device leaves behind what it does on the CPU',
  (accumulate) => expectAsOnCpu('cuda', { accumulate }),
  300_000,
)

withCuda(
  'two runs on a CUDA device give the same bits',
  async () => expect(await train('cuda')).toEqual(await train('cuda')),
  300_000,
)

withCuda.each(['tf32', 'bfloat16'] as const)(
  'in %s, losses on a CUDA device differ from the CPU by rounding alone',
  async (precision) => {
    const [cpu, gpu] = [await train('cpu'), await train('cuda', { precision })]
    expect(gpu.losses).not.toEqual(cpu.losses)
    expectClose(gpu.losses, cpu.losses, { absolute: 3e-2 })
  },
  300_000,
)
