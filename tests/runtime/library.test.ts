import { readdirSync } from 'node:fs'
import { expect, test } from 'vitest'
import { RuntimeError } from '../../runtime/errors.ts'
import { loadLibrary } from '../../runtime/library.ts'
import { createNativeGraph } from '../../runtime/native-graph.ts'
import { addOne } from './models.ts'

// Each position in struct OrtApi is proven by what only the function meant does. Those of sessions, values and types
// are proven by the suite of graphs and by the memory tests, where a wrong one would give other names, shapes or leaks.
const library = loadLibrary()

test('the library says its version', () => {
  expect(library.version).toBe('1.30.0')
})

test('SetSessionGraphOptimizationLevel refuses a level that does not exist', () => {
  const options = library.made('CreateSessionOptions')
  expect(() => library.SetSessionGraphOptimizationLevel(options, 50)).toThrow(/optimization.level/i)
  library.ReleaseSessionOptions(options)
})

test('AddSessionConfigEntry refuses an empty key', () => {
  const options = library.made('CreateSessionOptions')
  expect(() => library.AddSessionConfigEntry(options, '', '1')).toThrow(/config.key/i)
  library.ReleaseSessionOptions(options)
})

test('AddRunConfigEntry refuses an empty key', () => {
  const options = library.made('CreateRunOptions')
  expect(() => library.AddRunConfigEntry(options, '', '1')).toThrow(/config.key/i)
  library.ReleaseRunOptions(options)
})

test('SessionOptionsAppendExecutionProvider refuses an unknown provider by name', () => {
  const options = library.made('CreateSessionOptions')
  expect(() => library.SessionOptionsAppendExecutionProvider(options, 'NoSuchDevice', null, null, 0)).toThrow(
    /NoSuchDevice|unknown provider/i,
  )
  library.ReleaseSessionOptions(options)
})

test('CreateTensorWithDataAsOrtValue refuses memory that is too small', () => {
  const memory = library.made('CreateCpuMemoryInfo', 1, 0)
  const dims = BigInt64Array.of(100n)
  const make = () => library.made('CreateTensorWithDataAsOrtValue', memory, new Uint8Array(4), 4, dims, 1, 1)
  expect(make).toThrow(RuntimeError)
  expect(make).toThrow(/400|size/)
})

test('CreateMemoryInfo refuses a device that does not exist', () => {
  expect(() => library.made('CreateMemoryInfo', 'NoSuchDevice', 0, 0, 0)).toThrow(/device is not supported/)
})

test('CreateAllocator refuses memory that the session does not have', () => {
  const session = library.made(
    'CreateSessionFromArray',
    library.made('CreateEnv', 4, 'test'),
    addOne,
    addOne.length,
    library.made('CreateSessionOptions'),
  )
  const memory = library.made('CreateMemoryInfo', 'Cuda', 0, 0, 0)
  expect(() => library.made('CreateAllocator', session, memory)).toThrow(/No requested allocator/)
  library.ReleaseMemoryInfo(memory)
  library.ReleaseSession(session)
})

test('UnregisterAllocator refuses where CreateAndRegisterAllocator has registered none', () => {
  const environment = library.made('CreateEnv', 4, 'test')
  const memory = library.made('CreateCpuMemoryInfo', 1, 0)
  const settings = library.made('CreateArenaCfg', 0, -1, -1, -1)
  library.CreateAndRegisterAllocator(environment, memory, settings)
  library.ReleaseArenaCfg(settings)
  library.UnregisterAllocator(environment, memory)
  expect(() => library.UnregisterAllocator(environment, memory)).toThrow(/registered/)
})

test('CreateCUDAProviderOptions makes options that ReleaseCUDAProviderOptions takes back', () => {
  const cuda = library.made('CreateCUDAProviderOptions')
  expect(cuda).not.toBe(0n)
  // Only the function meant knows what the build has
  expect(() => library.UpdateCUDAProviderOptions(cuda, null, null, 0)).toThrow(/providers_shared|CUDA/)
  library.ReleaseCUDAProviderOptions(cuda)
})

test.runIf(process.platform === 'linux')('SetIntraOpNumThreads decides how many threads a graph starts', () => {
  createNativeGraph(library, addOne, {}).close()
  const before = countThreads()
  const one = createNativeGraph(library, addOne, { threads: 1 })
  expect(countThreads() - before).toBe(0)
  const four = createNativeGraph(library, addOne, { threads: 4 })
  expect(countThreads() - before).toBe(3)
  for (const graph of [one, four]) graph.close()
  expect(countThreads()).toBe(before)
})

function countThreads(): number {
  return readdirSync('/proc/self/task').length
}
