/**
 * Data parallelism over the devices of one machine: each computes the gradients of its share of a batch's rows at the
 * same time, their means by weight make one update. What it saves is what one device would, so either continues a run.
 */
import { ConfigError } from '../../../models/config.ts'
import { createTensor, type Tensor } from '../../../runtime/tensor.ts'
import { type Backend, type BackendOptions, paceOf, type Place } from '../backend.ts'
import type { Batch } from '../../data/batch.ts'
import { checkDevice } from './backend.ts'
import { Evaluation } from './evaluation.ts'
import { copy, expectNames, floats } from './feeds.ts'
import { openReplica, type Replica } from './replica.ts'
import { openUpdater } from './updater.ts'

/** Opens the backend on `places` with parameters drawn from `seed`; each gets as many rows. */
export async function createParallelBackend(
  o: BackendOptions,
  places: readonly Place[],
  seed: number,
): Promise<Backend> {
  const rows = o.batch / places.length
  if (!Number.isInteger(rows))
    throw new ConfigError(`batch: expected a multiple of the ${places.length} devices, got ${o.batch}`)
  for (const { device } of places) checkDevice({ ...o, device })
  const updater = await openUpdater(o, seed)
  const share = { ...o, batch: rows, threads: Math.max(1, Math.floor(o.threads / places.length)) }
  const labels = Math.min(o.labels, rows * o.time)
  const replicas = await Promise.all(places.map((place) => openReplica({ ...share, ...place, labels }, updater.sets)))
  const totals = o.accumulate > 1 ? [totalsOf(updater.gradients), totalsOf(updater.gradients)] : []
  let [turn, total] = [0, 0]
  let moved = false
  let evaluation: Evaluation | undefined

  /** The mean gradient of the batch, and of those before it since the last update, to where the updater reads it. */
  function gather(apply: boolean): void {
    const mass = replicas.reduce((sum, replica) => sum + replica.mass(), 0)
    for (const [path, mean] of updater.gradients) {
      mean.fill(0)
      for (const replica of replicas) add(mean, replica.gradients.get(path)!, replica.mass() / mass)
      const [before, after] = [totals[total]?.get(path), totals[1 - total]?.get(path)]
      if (!before || !after) continue
      add(mean, before, 1)
      if (apply) after.fill(0)
      else after.set(mean)
      for (let i = 0; i < mean.length; i++) mean[i]! /= o.accumulate
    }
    total = totals.length > 0 ? 1 - total : total
  }

  /** All that changes, by name, the rows of all devices after one another. */
  function read(): Map<string, Tensor> {
    const kept = new Map(Object.entries(updater.sets[turn]!).map(([name, tensor]) => [name, copied(tensor)]))
    for (const [path, sum] of totals[total] ?? []) {
      const { dims } = updater.sets[0][`param.${path}`]!
      kept.set(`total.${path}`, createTensor('float32', dims, sum.slice()))
    }
    for (const [name, { dims }] of Object.entries(replicas[0]!.state())) {
      const whole = createTensor('float32', [o.batch, ...dims.slice(1)])
      for (const [i, part] of statesOf(replicas, name).entries()) floats(whole).set(part, i * part.length)
      kept.set(name, whole)
    }
    return kept
  }

  return {
    description: `compiled step in shares of ${rows} rows, ${places.map(placeName).join(' ')}, ${share.threads} threads each`,
    async step(batch, lr, update, apply) {
      await Promise.all(replicas.map((replica, i) => replica.run(turn, part(batch, i * rows, rows, o.time))))
      gather(apply)
      const norm = await updater.run(turn, paceOf(lr, update, o.optimizer))
      if (apply) turn = 1 - turn
      moved = apply
      const mass = replicas.reduce((sum, replica) => sum + replica.mass(), 0)
      const loss = replicas.reduce((sum, replica) => sum + replica.loss() * replica.mass(), 0) / mass
      return { loss, norm }
    },
    undo() {
      for (const replica of replicas) replica.undo()
      if (totals.length > 0) total = 1 - total
      if (moved) turn = 1 - turn
    },
    async evaluate(batches) {
      evaluation ??= await Evaluation.open({ ...o, ...places[0]! }, updater.sets)
      return evaluation.run(turn, batches)
    },
    read,
    write(tensors) {
      expectNames([...read().keys()], tensors)
      for (const [name, { data }] of tensors) {
        const [kind, path] = [name.slice(0, name.indexOf('.')), name.slice(name.indexOf('.') + 1)]
        if (kind === 'total') totals[total]!.get(path)!.set(data as Float32Array)
        else if (kind === 'state')
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

const placeName = ({ device, id }: Place): string => (id === 0 ? device : `${device}:${id}`)
const copied = ({ dtype, dims, data }: Tensor): Tensor => createTensor(dtype, dims, data.slice() as never)
const statesOf = (replicas: readonly Replica[], name: string): Float32Array[] =>
  replicas.map((replica) => floats(replica.state()[name]!))
const totalsOf = (like: ReadonlyMap<string, Float32Array>): Map<string, Float32Array> =>
  new Map([...like].map(([path, { length }]) => [path, new Float32Array(length)]))

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
