import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { expectClose } from '../../support/all-close.ts'

/** Software Vulkan from Debian's chromium package: slow, and a real WebGPU device. */
const DRIVER = '/usr/lib/chromium/vk_swiftshader_icd.json'

interface Found {
  readonly losses: number[]
  readonly evaluated: number
  /** Whether a step that was undone left everything as it was. */
  readonly undone: boolean
  /** Sums of what training changes, by name. */
  readonly sums: Record<string, number>
}

async function train(device: string): Promise<Found> {
  const script = fileURLToPath(new URL('./device-process.ts', import.meta.url))
  const env = { ...process.env, VK_ICD_FILENAMES: DRIVER }
  const { stdout } = await promisify(execFile)(process.execPath, ['--import', 'tsx', script, device], { env })
  return JSON.parse(stdout.trim().split('\n').at(-1)!) as Found
}

test.skipIf(!existsSync(DRIVER))(
  'training on a WebGPU device leaves behind what it does on the CPU: losses, held-out loss, parameters, moments, state',
  async () => {
    const [cpu, gpu] = [await train('cpu'), await train('webgpu')]
    expectClose(gpu.losses, cpu.losses, { absolute: 1e-4 })
    expectClose([gpu.evaluated], [cpu.evaluated], { absolute: 1e-4 })
    expect(Object.keys(gpu.sums)).toEqual(Object.keys(cpu.sums))
    expectClose(Object.values(gpu.sums), Object.values(cpu.sums), { absolute: 1e-3 })
    expect(gpu.losses[1]).toBeLessThan(gpu.losses[0]!)
    expect([cpu.undone, gpu.undone]).toEqual([true, true])
  },
  300_000,
)
