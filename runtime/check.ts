/** Checks of bound tensors against what a graph declares, before ONNX Runtime sees them. */
import { RuntimeError } from './errors.ts'
import type { BoundTensor, ValueInfo } from './graph.ts'

/** Throws RuntimeError if an input is missing or unexpected, or if a dtype or dimension does not fit. */
export function checkInputs(infos: readonly ValueInfo[], tensors: Record<string, BoundTensor>): void {
  const missing = infos.find((info) => !info.optional && !Object.hasOwn(tensors, info.name))
  if (missing) throw new RuntimeError(`${missing.name}: expected a bound input ${text(missing.shape)}, got none`)
  checkTensors('input', infos, tensors)
}

/** Throws RuntimeError if no output is bound, one is unexpected, or if a dtype or dimension does not fit. */
export function checkOutputs(infos: readonly ValueInfo[], tensors: Record<string, BoundTensor>): void {
  if (Object.keys(tensors).length === 0) {
    throw new RuntimeError(`outputs: expected at least one of ${infos.map((info) => info.name).join(', ')}, got none`)
  }
  checkTensors('output', infos, tensors)
}

function checkTensors(
  kind: 'input' | 'output',
  infos: readonly ValueInfo[],
  tensors: Record<string, BoundTensor>,
): void {
  const sizes = new Map<string, { size: number; name: string }>()
  for (const [name, tensor] of Object.entries(tensors)) {
    const info = infos.find((candidate) => candidate.name === name)
    if (!info) {
      const known = infos.map((candidate) => candidate.name).join(', ')
      throw new RuntimeError(`${name}: expected an ${kind} of the graph (${known}), got this name`)
    }
    if (tensor.dtype !== info.dtype) throw new RuntimeError(`${name}: expected ${info.dtype}, got ${tensor.dtype}`)
    if (!fits(info.shape, tensor.dims)) {
      throw new RuntimeError(`${name}: expected ${text(info.shape)}, got ${text(tensor.dims)}`)
    }
    if (kind === 'input') checkSymbols(info, tensor.dims, sizes)
  }
}

// One symbol means one size in all inputs of a run.
function checkSymbols(
  info: ValueInfo,
  dims: readonly number[],
  sizes: Map<string, { size: number; name: string }>,
): void {
  for (const [axis, symbol] of info.shape.entries()) {
    const size = dims[axis] ?? 0
    if (typeof symbol === 'number' || symbol === '?') continue
    const known = sizes.get(symbol)
    if (known && known.size !== size) {
      throw new RuntimeError(
        `${info.name}: expected ${symbol} to be ${known.size} as in ${known.name}, got ${text(dims)}`,
      )
    }
    sizes.set(symbol, { size, name: info.name })
  }
}

function fits(shape: readonly (number | string)[], dims: readonly number[]): boolean {
  return shape.length === dims.length && shape.every((size, axis) => typeof size === 'string' || size === dims[axis])
}

function text(shape: readonly (number | string)[]): string {
  return `[${shape.join(', ')}]`
}
