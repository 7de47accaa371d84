/** The default backend: one ONNX graph is the step. Nothing that stays from step to step is copied. */
import { canCapture, openMemory } from '../../../runtime/open-graph.ts'
import {
  type Backend,
  type BackendOptions,
  deviceSettings,
  sharesOf,
  stepOptions,
  stepScalarsOf,
  type TrainingState,
} from '../backend.ts'
import { ConfigError } from '../../../models/config.ts'
import { initialise } from '../initialise.ts'
import { checkMemory } from '../memory.ts'
import { Evaluation } from './evaluation.ts'
import { drawNoise, expectNames, floats, load } from './feeds.ts'
import { openCompiled } from './opening.ts'
import { compileStep } from './step.ts'
import { type Held, StepBuffers } from './step-buffers.ts'

/** Throws ConfigError where the device lacks what is asked for. */
export function checkDevice({ precision, deterministic, device }: BackendOptions): void {
  if (device === 'cuda') return
  if (precision !== 'float32')
    throw new ConfigError(
      `precision: ${precision} needs --device cuda; on ${device} ONNX Runtime has no faster matrix products than float32`,
    )
  if (!deterministic)
    throw new ConfigError(
      `deterministic: false needs --device cuda; on ${device} sums have one order, which costs nothing`,
    )
}

/** Opens the compiled backend with parameters drawn from `seed`. */
export async function createCompiledBackend(o: BackendOptions, seed: number): Promise<Backend> {
  checkDevice(o)
  const compiled = compileStep(o.model, stepOptions(o))
  checkMemory(o, compiled.valueBytes)
  // A step is a thousand small kernels or more; launching them one by one takes longer than they run
  const capture = canCapture(o.device)
  const graph = await openCompiled(compiled, o, capture)
  const memory = openMemory(deviceSettings(o))
  const buffers = new StepBuffers(compiled, o.model, memory, capture)
  for (const [path, data] of initialise(o.model.params, seed)) buffers.held(0)[`param.${path}`]!.write(data)
  const bindings = [0, 1].map((turn) => graph.bind(...buffers.bound(turn)))
  const { inputs } = buffers
  const scalar = (name: string, value: number): void => {
    if (inputs[name]) floats(inputs[name]).fill(value)
  }
  /** The carried state before the update, which its batches but the last write over. */
  let stateBefore: TrainingState = new Map()
  let turn = 0
  let evaluation: Evaluation | undefined

  return {
    description: `compiled step, ${compiled.nodes} nodes, ${o.device}, ${o.threads} threads`,
    unreached: compiled.unreached,
    async update(batches, lr, number) {
      const shares = sharesOf(batches, o)
      if (batches.length > 1) stateBefore = copies(buffers.carried(turn))
      for (const [name, value] of Object.entries(stepScalarsOf(lr, number, o.optimizer)))
        scalar(`scalar.${name}`, value)
      let loss = 0
      for (const [i, batch] of batches.entries()) {
        load(inputs, batch)
        scalar('share', shares[i]!)
        scalar('apply', i === batches.length - 1 ? 1 : 0)
        drawNoise(inputs, o.random)
        buffers.send()
        await bindings[turn]!.run()
        turn = 1 - turn
        loss += batches.length === 1 ? buffers.result('loss') : shares[i]! * buffers.result('loss')
      }
      return { loss, norm: buffers.result('norm') }
    },
    undo() {
      turn = 1 - turn
      const now = buffers.carried(turn)
      for (const [name, { data }] of stateBefore) now[name]!.write(data)
      buffers.clearTotals(turn)
    },
    async evaluate(batches) {
      evaluation ??= await Evaluation.open(o, [buffers.held(0), buffers.held(1)])
      return evaluation.run(turn, batches)
    },
    put: (path, data) => buffers.held(turn)[`param.${path}`]!.write(data),
    read: () => copies(buffers.saved(turn)),
    write(state) {
      const now = buffers.saved(turn)
      expectNames(Object.keys(now), state)
      for (const [name, { data }] of state) now[name]!.write(data)
    },
    close() {
      for (const binding of bindings) binding.release()
      evaluation?.close()
      memory.close()
      graph.close()
    },
  }
}

const copies = (held: Held): TrainingState =>
  new Map(Object.entries(held).map(([name, tensor]) => [name, tensor.read()]))
