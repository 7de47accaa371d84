/** What a loaded model takes and gives, read through the C API. */
import { RuntimeError } from './errors.ts'
import type { ValueInfo } from './graph.ts'
import type { Library, Pointer } from './library.ts'
import { elementTypes, isDtype } from './tensor.ts'

const SOURCES = {
  input: ['SessionGetInputCount', 'SessionGetInputName', 'SessionGetInputTypeInfo'],
  output: ['SessionGetOutputCount', 'SessionGetOutputName', 'SessionGetOutputTypeInfo'],
  default: [
    'SessionGetOverridableInitializerCount',
    'SessionGetOverridableInitializerName',
    'SessionGetOverridableInitializerTypeInfo',
  ],
} as const

/** Returns a session's inputs, those with a default value last, and its outputs. Throws RuntimeError on a type unknown here. */
export function describeSession(library: Library, session: Pointer): { inputs: ValueInfo[]; outputs: ValueInfo[] } {
  const defaults = list(library, session, 'default').map((info) => ({ ...info, optional: true as const }))
  return {
    inputs: [...list(library, session, 'input'), ...defaults],
    outputs: list(library, session, 'output'),
  }
}

function list(library: Library, session: Pointer, source: keyof typeof SOURCES): ValueInfo[] {
  const [countName, nameName, typeName] = SOURCES[source]
  const allocator = library.made('GetAllocatorWithDefaultOptions')
  return Array.from({ length: library.counted(countName, session) }, (_, index) => {
    const text = library.made(nameName, session, index, allocator)
    const name = library.stringAt(text)
    library.AllocatorFree(allocator, text)
    const type = library.made(typeName, session, index)
    try {
      return { name, ...describeTensor(library, type, name) }
    } finally {
      library.ReleaseTypeInfo(type)
    }
  })
}

function describeTensor(library: Library, type: Pointer, name: string): Pick<ValueInfo, 'dtype' | 'shape'> {
  // The tensor's description belongs to the type's, and goes with it.
  const tensor = library.made('CastTypeInfoToTensorInfo', type)
  if (tensor === 0n) throw new RuntimeError(`${name}: expected a tensor, got a sequence, map or optional value`)
  // The C API writes an int: counted() reads 8 zeroed bytes, so on little-endian machines it is the same number.
  const code = library.counted('GetTensorElementType', tensor)
  const dtype = Object.keys(elementTypes)
    .filter(isDtype)
    .find((candidate) => elementTypes[candidate] === code)
  if (dtype === undefined)
    throw new RuntimeError(`${name}: expected ${Object.keys(elementTypes).join(', ')}, got type ${code}`)

  const rank = library.counted('GetDimensionsCount', tensor)
  if (rank === 0) return { dtype, shape: [] }
  const sizes = new BigInt64Array(new ArrayBuffer(rank * 8 + 64), 0, rank)
  const symbols = new BigUint64Array(new ArrayBuffer(rank * 8 + 64), 0, rank)
  library.GetDimensions(tensor, sizes, rank)
  library.GetSymbolicDimensions(tensor, symbols, rank)
  const shape = Array.from(sizes, (size, axis) =>
    size >= 0n ? Number(size) : library.stringAt(symbols[axis] ?? 0n) || '?',
  )
  return { dtype, shape }
}
