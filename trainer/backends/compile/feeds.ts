/** The memory of a graph's inputs, and how a batch is put there. */
import type { Port } from '../../../exporter/onnx/graph.ts'
import type { Model } from '../../../models/architecture.ts'
import { flatten } from '../../../models/spec.ts'
import { createTensor, type Tensor } from '../../../runtime/tensor.ts'
import type { TrainingState } from '../backend.ts'
import type { Random } from '../../random.ts'
import type { Batch } from '../../data/batch.ts'

/** TrainingState by name. */
export type Buffers = Record<string, Tensor>

/** A tensor of zeros for each port. */
export const zeros = (ports: readonly Port[]): Buffers =>
  Object.fromEntries(ports.map((p) => [p.name, createTensor(p.dtype, p.shape.map(Number))]))

export const floats = (tensor: Tensor): Float32Array => tensor.data as Float32Array

/** The parameters that training leaves as they are, param.* by name. */
export const frozenParams = ({ params }: Pick<Model, 'params'>): Buffers =>
  Object.fromEntries(
    flatten(params).flatMap(([path, spec]) =>
      spec.frozen ? [[`param.${path}`, createTensor('float32', spec.shape.map(Number))]] : [],
    ),
  )

/** Fills the inputs that dropout masks are made of. */
export function drawNoise(inputs: Buffers, random: Random): void {
  for (const [name, tensor] of Object.entries(inputs))
    if (name.startsWith('noise.')) floats(tensor).forEach((_, i, all) => (all[i] = random.uniform()))
}

/** Copies what the graph reads of the batch. */
export function load(inputs: Buffers, batch: Batch): void {
  ;(inputs['ids']!.data as Int32Array).set(batch.ids)
  if (inputs['labels']) loadLabels(inputs, batch)
  else {
    ;(inputs['targets']!.data as Int32Array).set(batch.targets)
    floats(inputs['weights']!).set(batch.weights)
  }
  if (inputs['vectors']) floats(inputs['vectors']).set(batch.vectors!)
  if (inputs['carry']) floats(inputs['carry']).set(batch.carry)
}

/** The weighted tokens alone, at most as many as there are labels (checked before); the other labels have no weight. */
function loadLabels(inputs: Buffers, batch: Batch): void {
  const places = inputs['labels']!.data as Int32Array
  const targets = inputs['targets']!.data as Int32Array
  const weights = floats(inputs['weights']!)
  let count = 0
  for (const [place, weight] of batch.weights.entries()) {
    if (weight === 0) continue
    places[count] = place
    targets[count] = batch.targets[place]!
    weights[count++] = weight
  }
  weights.fill(0, count)
}

/** Copies into the tensor's own memory. */
export function copy(from: Tensor['data'], to: Tensor): void {
  ;(to.data as Float32Array).set(from as Float32Array)
}

/** Throws unless exactly the expected names are given. */
export function expectNames(expected: readonly string[], given: TrainingState): void {
  const missing = expected.filter((name) => !given.has(name))
  const extra = [...given.keys()].filter((name) => !expected.includes(name))
  if (missing.length > 0 || extra.length > 0)
    throw new Error(`training state: missing [${missing.join(', ')}], unexpected [${extra.join(', ')}]`)
}
