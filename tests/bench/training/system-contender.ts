/** The compiled step of a recipe in a process of its own: for each line of stdin, a number of seconds, it trains that long. */
import { createCompiledBackend } from '../../../trainer/backends/compile/backend.ts'
import type { Device } from '../../../runtime/device.ts'
import { answer } from './answer.ts'
import { systemOf } from './system.ts'
import { RATE, SEED } from './workload.ts'

const { options, batches } = systemOf(process.argv[2]!, process.argv[3] as Device)
const backend = await createCompiledBackend(options, SEED)
let update = 0
const step = async () => (await backend.update([batches[update % batches.length]!], RATE, ++update)).loss
await answer(backend.description, step)
