import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { expectClose } from '../../support/all-close.ts'

/** Software Vulkan from Debian's chromium package: slow, and a real WebGPU device. */
const DRIVER = '/usr/lib/chromium/vk_swiftshader_icd.json'

const script = fileURLToPath(new URL('./webgpu-process.ts', import.meta.url))

async function losses(device: string): Promise<number[]> {
  const env = { ...process.env, VK_ICD_FILENAMES: DRIVER }
  const { stdout } = await promisify(execFile)(process.execPath, ['--import', 'tsx', script, device], { env })
  return JSON.parse(stdout.trim().split('\n').at(-1)!) as number[]
}

test.skipIf(!existsSync(DRIVER))(
  'the compiled step on a WebGPU device has the losses of the CPU',
  async () => {
    const [cpu, gpu] = [await losses('cpu'), await losses('webgpu')]
    expectClose(gpu, cpu, { absolute: 1e-4 })
    expect(gpu[1]).toBeLessThan(gpu[0]!)
  },
  300_000,
)
