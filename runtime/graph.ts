/** What a graph is: a model opened once, with memory bound to its inputs and outputs, that runs as often as you like. */
import type { DeviceOptions } from './device.ts'
import type { DeviceTensor } from './memory.ts'
import type { Dtype, Tensor } from './tensor.ts'

/** An input or output of a graph. A string in `shape` is a size known only when the graph runs. */
export interface ValueInfo {
  name: string
  dtype: Dtype
  shape: readonly (number | string)[]
  /** The graph has a default for this input, which is used when it is not bound. */
  optional?: true
}

/** What can be bound: ordinary memory, or memory of the device that the graph runs on. */
export type BoundTensor = Tensor | DeviceTensor

/** Memory bound to a graph. `run` reads the inputs and writes the outputs where they are; always await it. */
export interface Binding {
  run(): void | Promise<void>
  /** The same on another thread, beside the runs of other graphs; what is bound must be left alone meanwhile. */
  runElsewhere(): Promise<void>
  release(): void
}

/** A model ready to run. Closing it gives its memory back; its bindings can then only be released. */
export interface Graph {
  readonly inputs: readonly ValueInfo[]
  readonly outputs: readonly ValueInfo[]
  /**
   * Binds every input (optional ones may be left out) and the outputs that are wanted. An output may share the memory
   * of an input where the kernel between them allows it. Throws RuntimeError if a name, dtype or shape does not fit.
   */
  bind(inputs: Record<string, BoundTensor>, outputs: Record<string, BoundTensor>): Binding
  close(): void
}

export interface GraphOptions extends DeviceOptions {
  /** Threads within one operator; 1 unless asked. */
  threads?: number
  optimization?: 'all' | 'basic' | 'disabled'
  /** Names of graph transformers that shall not run. */
  disabledOptimizers?: readonly string[]
  /** Whether waiting threads spin: faster, at the price of a busy core. ONNX Runtime's own default is to spin. */
  spin?: boolean
  /** Opens bytes on another thread, so that this one hears signals and says progress meanwhile. */
  elsewhere?: boolean
}
