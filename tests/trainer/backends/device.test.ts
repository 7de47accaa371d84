import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import type { Device } from '../../../runtime/device.ts'
import type { Precision } from '../../../trainer/backends/compile/emit.ts'
import { expectClose } from '../../support/all-close.ts'

/** Software Vulkan from Debian's chromium package: slow, and a real WebGPU device. */
const VULKAN = '/usr/lib/chromium/vk_swiftshader_icd.json'
/** What docs/training.md says to put there, and the driver's device. */
const CUDA = [
  join(
    dirname(createRequire(import.meta.url).resolve('onnxruntime-node/package.json')),
    'bin/napi-v6/linux/x64/libonnxruntime_providers_cuda.so',
  ),
  '/dev/nvidiactl',
]

interface Found {
  readonly losses: number[]
  readonly evaluated: number
  /** Whether a step that was undone left everything as it was. */
  readonly undone: boolean
  /** Sums of what training changes, by name. */
  readonly sums: Record<string, number>
}

async function train(device: Device, precision: Precision = 'float32'): Promise<Found> {
  const script = fileURLToPath(new URL('./device-process.ts', import.meta.url))
  const env = { ...process.env, ...(device === 'webgpu' && existsSync(VULKAN) ? { VK_ICD_FILENAMES: VULKAN } : {}) }
  const run = promisify(execFile)(process.execPath, ['--import', 'tsx', script, device, precision], { env })
  return JSON.parse((await run).stdout.trim().split('\n').at(-1)!) as Found
}

async function expectAsOnCpu(device: Device): Promise<void> {
  const [cpu, gpu] = [await train('cpu'), await train(device)]
  expectClose(gpu.losses, cpu.losses, { absolute: 1e-4 })
  expectClose([gpu.evaluated], [cpu.evaluated], { absolute: 1e-4 })
  expect(Object.keys(gpu.sums)).toEqual(Object.keys(cpu.sums))
  expectClose(Object.values(gpu.sums), Object.values(cpu.sums), { absolute: 1e-3 })
  expect(gpu.losses[1]).toBeLessThan(gpu.losses[0]!)
  expect([cpu.undone, gpu.undone]).toEqual([true, true])
}

// All that training leaves behind: losses, held-out loss, parameters, moments, state
test.skipIf(!existsSync(VULKAN))(
  'training on a WebGPU device leaves behind what it does on the CPU',
  () => expectAsOnCpu('webgpu'),
  300_000,
)

const withCuda = test.skipIf(!CUDA.every(existsSync))

withCuda('training on a CUDA device leaves behind what it does on the CPU', () => expectAsOnCpu('cuda'), 300_000)

withCuda(
  'two runs on a CUDA device give the same bits',
  async () => expect(await train('cuda')).toEqual(await train('cuda')),
  300_000,
)

withCuda.each(['tf32', 'bfloat16'] as const)(
  'in %s, losses on a CUDA device differ from the CPU by rounding alone',
  async (precision) => {
    const [cpu, gpu] = [await train('cpu'), await train('cuda', precision)]
    expect(gpu.losses).not.toEqual(cpu.losses)
    expectClose(gpu.losses, cpu.losses, { absolute: 3e-2 })
  },
  300_000,
)
