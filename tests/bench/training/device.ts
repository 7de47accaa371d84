/**
 * Training on a device against the CPU: `npx tsx tests/bench/training/device.ts cuda|webgpu`. Every configuration of the
 * invariant suite takes four steps on each, plain and with all that changes a step; printed are the greatest differences.
 */
import type { Model } from '../../../models/architecture.ts'
import type { Device } from '../../../runtime/device.ts'
import type { BackendOptions } from '../../../trainer/backends/backend.ts'
import { createCompiledBackend } from '../../../trainer/backends/compile/backend.ts'
import { type Batch, emptyBatch } from '../../../trainer/data/batch.ts'
import { Random } from '../../../trainer/random.ts'
import { configurations } from '../../models/configurations.ts'
import { adamW, backendOptions } from '../../support/backend-options.ts'

const ROWS = 2
/** A multiple of the chunk lengths of all configurations. */
const TIME = 20
/** Batches of a run; with accumulation several of them are one update. */
const STEPS = 4
const RATE = 3e-3

const device = process.argv[2] as Device
const variants: Readonly<Record<string, Partial<BackendOptions>>> = {
  plain: {},
  'two batches an update, 8-bit moments, forward pass in two segments': {
    accumulate: 2,
    optimizer: { ...adamW, bits: 8 },
    recompute: 2,
  },
}

const differences: { readonly name: string; readonly difference: number }[] = []
for (const { name, model } of configurations)
  for (const [variant, own] of Object.entries(variants)) {
    const [cpu, there] = [await losses(model, own, 'cpu'), await losses(model, own, device)]
    const difference = Math.max(...cpu.map((loss, i) => Math.abs(loss - there[i]!)))
    differences.push({ name: `${name}, ${variant}`, difference })
  }
differences.sort((a, b) => b.difference - a.difference)
process.stdout.write(`${differences.length} configurations on ${device}; greatest differences of a loss, nats:\n`)
for (const { name, difference } of differences.slice(0, 8))
  process.stdout.write(`${difference.toExponential(2)}  ${name}\n`)

async function losses(model: Model, own: Partial<BackendOptions>, where: Device): Promise<number[]> {
  const options = backendOptions(model, { batch: ROWS, sequenceLength: TIME, random: new Random('dropout'), ...own })
  const backend = await createCompiledBackend({ ...options, device: where }, 1)
  const random = new Random('device')
  const found: number[] = []
  for (let number = 1; number <= STEPS / options.accumulate; number++) {
    const batches = Array.from({ length: options.accumulate }, () => randomBatch(model, random))
    found.push((await backend.update(batches, RATE, number)).loss)
  }
  backend.close()
  return found
}

function randomBatch({ vocab }: Model, random: Random): Batch {
  const batch = emptyBatch(ROWS, TIME)
  for (let i = 0; i < ROWS * TIME; i++) {
    batch.ids[i] = random.int(vocab)
    batch.targets[i] = random.int(vocab)
  }
  batch.weights.fill(1)
  batch.carry.fill(1)
  return batch
}
