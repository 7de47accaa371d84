import { chmodSync, mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { describeBuild, findGpus } from '../../../trainer/backends/tensorflow/report.ts'

/** A program in the place of nvidia-smi. */
function program(script: string): string {
  const path = join(mkdtempSync(join(tmpdir(), 'mneme-')), 'nvidia-smi')
  writeFileSync(path, `#!/bin/sh\n${script}\n`)
  chmodSync(path, 0o755)
  return path
}

test('each GPU is named with its driver', () => {
  const smi = program("echo 'NVIDIA H100 80GB HBM3, 580.159.04'; echo 'NVIDIA T4, 580.159.04'")
  expect(findGpus(smi)).toEqual({
    found: ['NVIDIA H100 80GB HBM3 with driver 580.159.04', 'NVIDIA T4 with driver 580.159.04'],
  })
})

test('no driver and no device are told apart, with what the driver says', () => {
  expect(findGpus('/nowhere/nvidia-smi')).toEqual({ missing: 'no NVIDIA driver (/nowhere/nvidia-smi is not there)' })
  const failing = program("echo 'NVIDIA-SMI has failed: no communication with the driver.' >&2; exit 9")
  expect(findGpus(failing)).toEqual({
    missing: `no NVIDIA device (${failing}: NVIDIA-SMI has failed: no communication with the driver.)`,
  })
})

test('the line about a build says what it runs on, and why the GPU build is not on a GPU', () => {
  const gpus = { found: ['NVIDIA T4 with driver 580.159.04'] }
  expect(describeBuild('cpu', '2.15.1', false, gpus)).toBe('TensorFlow 2.15.1 on the CPU')
  expect(describeBuild('gpu', '2.19.1', true, gpus)).toBe(
    'TensorFlow 2.19.1 on the GPU: NVIDIA T4 with driver 580.159.04',
  )
  expect(describeBuild('gpu', '2.19.1', false, { missing: 'no NVIDIA driver' })).toBe(
    'TensorFlow 2.19.1 on the CPU: no NVIDIA driver',
  )
  expect(describeBuild('gpu', '2.19.1', false, gpus)).toMatch(/on the CPU: it does not use NVIDIA T4 with driver/)
})
