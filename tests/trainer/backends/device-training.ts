/** Trains a very small model on a device, in a process of its own, and compares what it leaves behind with the CPU. */
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect } from 'vitest'
import type { Device } from '../../../runtime/device.ts'
import type { Precision } from '../../../trainer/backends/compile/emit.ts'
import { expectClose } from '../../support/all-close.ts'

/** Software Vulkan from Debian's chromium package: slow, and a real WebGPU device. */
export const VULKAN = '/usr/lib/chromium/vk_swiftshader_icd.json'

/** What device-process.ts prints. */
export interface Found {
  readonly losses: number[]
  readonly evaluated: number
  /** Whether an update that was undone left everything as it was. */
  readonly undone: boolean
  /** Sums of what training changes, by name. */
  readonly sums: Record<string, number>
}

export interface Choices {
  readonly precision?: Precision
  readonly accumulate?: number
}

export async function train(device: Device, { precision = 'float32', accumulate = 1 }: Choices = {}): Promise<Found> {
  const script = fileURLToPath(new URL('./device-process.ts', import.meta.url))
  const env = { ...process.env, ...(device === 'webgpu' && existsSync(VULKAN) ? { VK_ICD_FILENAMES: VULKAN } : {}) }
  const args = ['--import', 'tsx', script, device, precision, String(accumulate)]
  const { stdout } = await promisify(execFile)(process.execPath, args, { env })
  return JSON.parse(stdout.trim().split('\n').at(-1)!) as Found
}

/** Compares all that training leaves behind: losses, held-out loss, parameters, moments, state. */
export async function expectAsOnCpu(device: Device, choices: Choices = {}): Promise<void> {
  const [cpu, gpu] = [await train('cpu', choices), await train(device, choices)]
  expectClose(gpu.losses, cpu.losses, { absolute: 1e-4 })
  expectClose([gpu.evaluated], [cpu.evaluated], { absolute: 1e-4 })
  expect(Object.keys(gpu.sums)).toEqual(Object.keys(cpu.sums))
  expectClose(Object.values(gpu.sums), Object.values(cpu.sums), { absolute: 1e-3 })
  expect(gpu.losses[1]).toBeLessThan(gpu.losses[0]!)
  expect([cpu.undone, gpu.undone]).toEqual([true, true])
}
