/**
 * Data parallelism over the devices of one machine: each computes the gradients of its share of a batch's rows, at the
 * same time, and their mean by weight makes one update. Checkpoints are those of one device, so either continues a run.
 */
import { ConfigError } from '../../../models/config.ts'
import { publishedPaths } from '../../../models/spec.ts'
import { createTensor, type Tensor } from '../../../runtime/tensor.ts'
import {
  type Backend,
  type BackendOptions,
  LEAST_WEIGHT,
  sharesOf,
  stepScalarsOf,
  type TargetDevice,
} from '../backend.ts'
import type { Batch } from '../../data/batch.ts'
import { checkDevice } from './backend.ts'
import { Evaluation } from './evaluation.ts'
import { type Buffers, copy, expectNames, floats } from './feeds.ts'
import { openReplica, type Replica } from './replica.ts'
import { openUpdater } from './updater.ts'

/** Rows of a batch that each device gets. Throws ConfigError where they cannot be shared evenly. */
export function rowsOfDevice(batch: number, devices: readonly TargetDevice[]): number {
  const rows = batch / devices.length
  if (!Number.isInteger(rows))
    throw new ConfigError(`batch: expected a multiple of the ${devices.length} devices, got ${batch}`)
  return rows
}

/** Opens the backend on `devices` with parameters drawn from `seed`; each gets as many rows. */
export async function createParallelBackend(
  o: BackendOptions,
  devices: readonly TargetDevice[],
  seed: number,
): Promise<Backend> {
  const rows = rowsOfDevice(o.batch, devices)
  if (o.model.contrast)
    throw new ConfigError(
      `device: expected one for ${o.model.architecture}, got ${devices.length}: all texts of a batch are compared`,
    )
  for (const { device } of devices) checkDevice({ ...o, device })
  const updater = await openUpdater(o, seed)
  const share = { ...o, batch: rows, threads: Math.max(1, Math.floor(o.threads / devices.length)) }
  const maxLabels = Math.min(o.maxLabels, rows * o.sequenceLength)
  const replicas = await Promise.all(
    devices.map((target) => openReplica({ ...share, ...target, maxLabels }, updater.sets)),
  )
  const published = publishedPaths(o.model.params)
  let turn = 0
  /** The carried state of each device before the update. */
  let statesBefore: Map<string, Float32Array>[] = []
  let evaluation: Evaluation | undefined

  /** All that changes, by name, the rows of all devices after one another. */
  function read(): Map<string, Tensor> {
    const own = Object.entries(updater.sets[turn]!).filter(([name]) => !published.has(name.slice('param.'.length)))
    const kept = new Map(own.map(([name, tensor]) => [name, copied(tensor)]))
    for (const [name, { dims }] of Object.entries(replicas[0]!.state())) {
      const whole = createTensor('float32', [o.batch, ...dims.slice(1)])
      for (const [i, part] of statesOf(replicas, name).entries()) floats(whole).set(part, i * part.length)
      kept.set(name, whole)
    }
    return kept
  }

  return {
    description: `compiled step in shares of ${rows} rows, ${devices.map(deviceName).join(' ')}, ${share.threads} threads each`,
    unreached: replicas[0]!.unreached,
    async update(batches, lr, number) {
      sharesOf(batches, o)
      const parts = batches.map((batch) => replicas.map((_, i) => part(batch, i * rows, rows, o.sequenceLength)))
      const sums = parts.map((row) => row.map(({ weights }) => weights.reduce((a, b) => a + b, 0)))
      const all = Math.max(
        sums.flat().reduce((a, b) => a + b),
        LEAST_WEIGHT,
      )
      statesBefore = replicas.map((replica) => copiesOf(replica.state()))
      for (const mean of updater.gradients.values()) mean.fill(0)
      let loss = 0
      for (const [b, row] of parts.entries()) {
        await Promise.all(replicas.map((replica, i) => replica.run(turn, row[i]!)))
        for (const [i, replica] of replicas.entries()) {
          const weight = sums[b]![i]! / all
          loss += weight * replica.loss()
          for (const [path, mean] of updater.gradients) add(mean, replica.gradients.get(path)!, weight)
        }
      }
      const norm = await updater.run(turn, stepScalarsOf(lr, number, o.optimizer))
      turn = 1 - turn
      return { loss, norm }
    },
    undo() {
      for (const [i, replica] of replicas.entries())
        for (const [name, values] of statesBefore[i] ?? []) floats(replica.state()[name]!).set(values)
      turn = 1 - turn
    },
    async evaluate(batches) {
      evaluation ??= await Evaluation.open({ ...o, ...devices[0]! }, updater.sets)
      return evaluation.run(turn, batches)
    },
    put: (path, data) => copy(data, updater.sets[turn]![`param.${path}`]!),
    read,
    write(state) {
      expectNames([...read().keys()], state)
      for (const [name, { data }] of state) {
        if (name.startsWith('state.'))
          for (const [i, own] of statesOf(replicas, name).entries())
            own.set((data as Float32Array).subarray(i * own.length, (i + 1) * own.length))
        else copy(data, updater.sets[turn]![name]!)
      }
    },
    close() {
      for (const replica of replicas) replica.close()
      updater.close()
      evaluation?.close()
    },
  }
}

const deviceName = ({ device, id }: TargetDevice): string => (id === 0 ? device : `${device}:${id}`)
const copied = ({ dtype, dims, data }: Tensor): Tensor => createTensor(dtype, dims, data.slice() as never)
const statesOf = (replicas: readonly Replica[], name: string): Float32Array[] =>
  replicas.map((replica) => floats(replica.state()[name]!))
const copiesOf = (buffers: Buffers): Map<string, Float32Array> =>
  new Map(Object.entries(buffers).map(([name, tensor]) => [name, floats(tensor).slice()]))

function add(sum: Float32Array, x: Float32Array, weight: number): void {
  for (let i = 0; i < sum.length; i++) sum[i]! += x[i]! * weight
}

/** The rows from `first` on of a batch. */
function part({ ids, targets, weights, carry }: Batch, first: number, rows: number, time: number): Batch {
  const [from, to] = [first * time, (first + rows) * time]
  return {
    ids: ids.subarray(from, to),
    targets: targets.subarray(from, to),
    weights: weights.subarray(from, to),
    carry: carry.subarray(first, first + rows),
  }
}
