/** `npx tsx runtime/try-device.ts cuda|webgpu`: takes memory of the device and copies to it and back; says what comes of it. */
import type { Device } from './device.ts'
import { RuntimeError } from './errors.ts'
import { openMemory, runtimeInfo } from './open-graph.ts'

const device = process.argv[2] as Device
try {
  const memory = openMemory({ device })
  const tensor = memory.allocate('float32', [2])
  tensor.write(Float32Array.of(1, 2))
  const [first, second] = tensor.read().data as Float32Array
  if (first !== 1 || second !== 2)
    throw new RuntimeError(`device ${device}: expected 1, 2 back, got ${first}, ${second}`)
  memory.close()
  process.stdout.write(`device ${device}: works, ONNX Runtime ${runtimeInfo().version}\n`)
} catch (error) {
  if (!(error instanceof RuntimeError)) throw error
  process.stderr.write(`${error.message}\n`)
  process.exitCode = 1
}
