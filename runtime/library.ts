/**
 * ONNX Runtime: its C API, called through koffi in the very library that onnxruntime-node ships, and that package's own
 * binding. The only file that loads either. The C API writes outputs where they are bound; the binding copies them.
 */
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import type * as Koffi from 'koffi'
import type * as OnnxRuntime from 'onnxruntime-node'
import { RuntimeError } from './errors.ts'

/** An address in native memory; 0n is NULL. */
export type Pointer = bigint
/** What a C function of this library takes: a number, an address, or memory whose address is passed. */
export type Argument = boolean | number | bigint | string | null | Uint8Array | BigInt64Array | BigUint64Array

/** The C functions used here. All but `release*` throw RuntimeError with ONNX Runtime's message if they fail. */
export type Library = { readonly version: string } & Readonly<Record<CheckedName, (...args: Argument[]) => void>> &
  Readonly<Record<ReleaseName, (object: Pointer) => void>> & {
    /** Returns the pointer that the function writes to its last argument. */
    made(name: CheckedName, ...args: Argument[]): Pointer
    /** Returns the number that the function writes to its last argument. */
    counted(name: CheckedName, ...args: Argument[]): number
    /** Calls Run on another thread. What it reads and writes must be left alone until the promise settles. */
    runElsewhere(...args: Argument[]): Promise<void>
    /** Calls CreateSessionFromArray on another thread and returns the session. Its model must be left alone until then. */
    createSessionElsewhere(...args: Argument[]): Promise<Pointer>
    /** Returns the C string at an address. */
    stringAt(address: Pointer): string
    /** Returns the address of memory that does not move. */
    addressOf(memory: ArrayBufferView): Pointer
    /** Returns a file path as this platform's ORTCHAR_T string. */
    pathBytes(path: string): Uint8Array
  }

// Positions in struct OrtApi (onnxruntime_c_api.h), which only ever grows at its end; tests/runtime proves each of them.
const API_VERSION = 20
const API_LENGTH = 274
const GET_ERROR_MESSAGE = 2
const CHECKED = {
  CreateEnv: [3, 'int, const char*, void*'],
  CreateSession: [7, 'void*, void*, void*, void*'],
  CreateSessionFromArray: [8, 'void*, void*, size_t, void*, void*'],
  Run: [9, 'void*, void*, void*, void*, size_t, void*, size_t, void*'],
  CreateSessionOptions: [10, 'void*'],
  SetSessionGraphOptimizationLevel: [23, 'void*, int'],
  SetIntraOpNumThreads: [24, 'void*, int'],
  SessionGetInputCount: [30, 'void*, void*'],
  SessionGetOutputCount: [31, 'void*, void*'],
  SessionGetOverridableInitializerCount: [32, 'void*, void*'],
  SessionGetInputTypeInfo: [33, 'void*, size_t, void*'],
  SessionGetOutputTypeInfo: [34, 'void*, size_t, void*'],
  SessionGetOverridableInitializerTypeInfo: [35, 'void*, size_t, void*'],
  SessionGetInputName: [36, 'void*, size_t, void*, void*'],
  SessionGetOutputName: [37, 'void*, size_t, void*, void*'],
  SessionGetOverridableInitializerName: [38, 'void*, size_t, void*, void*'],
  CreateRunOptions: [39, 'void*'],
  CreateTensorAsOrtValue: [48, 'void*, void*, size_t, int, void*'],
  CreateTensorWithDataAsOrtValue: [49, 'void*, void*, size_t, void*, size_t, int, void*'],
  CastTypeInfoToTensorInfo: [55, 'void*, void*'],
  GetTensorElementType: [60, 'void*, void*'],
  GetDimensionsCount: [61, 'void*, void*'],
  GetDimensions: [62, 'void*, void*, size_t'],
  GetSymbolicDimensions: [63, 'void*, void*, size_t'],
  CreateMemoryInfo: [68, 'const char*, int, int, int, void*'],
  CreateCpuMemoryInfo: [69, 'int, int, void*'],
  AllocatorFree: [76, 'void*, void*'],
  GetAllocatorWithDefaultOptions: [78, 'void*'],
  AddSessionConfigEntry: [130, 'void*, const char*, const char*'],
  CreateAllocator: [131, 'void*, void*, void*'],
  CreateAndRegisterAllocator: [144, 'void*, void*, void*'],
  CreateArenaCfg: [156, 'size_t, int, int, int, void*'],
  AddRunConfigEntry: [165, 'void*, const char*, const char*'],
  UnregisterAllocator: [177, 'void*, void*'],
  CreateCUDAProviderOptions: [205, 'void*'],
  UpdateCUDAProviderOptions: [206, 'void*, void*, void*, size_t'],
  SessionOptionsAppendExecutionProvider_CUDA_V2: [204, 'void*, void*'],
  SessionOptionsAppendExecutionProvider: [216, 'void*, const char*, void*, void*, size_t'],
  SetDeterministicCompute: [273, 'void*, bool'],
} as const
const RELEASES = {
  ReleaseStatus: 93,
  ReleaseMemoryInfo: 94,
  ReleaseSession: 95,
  ReleaseValue: 96,
  ReleaseRunOptions: 97,
  ReleaseTypeInfo: 98,
  ReleaseSessionOptions: 100,
  ReleaseAllocator: 132,
  ReleaseArenaCfg: 157,
  ReleaseCUDAProviderOptions: 208,
} as const
type CheckedName = keyof typeof CHECKED
type ReleaseName = keyof typeof RELEASES

// Where functions write what they make; calls do not nest, so one is enough.
const written = new BigUint64Array(new ArrayBuffer(72), 0, 1)

const require = createRequire(import.meta.url)
let loaded: Library | undefined

/** Returns the C API, loaded once for each thread. Throws if koffi or the library cannot be loaded. */
export function loadLibrary(): Library {
  loaded ??= load()
  return loaded
}

/** Returns the package onnxruntime-node: the fallback where the C API cannot be reached. */
export function loadBinding(): typeof OnnxRuntime {
  const binding = require('onnxruntime-node') as typeof OnnxRuntime
  // Errors arrive as exceptions; ONNX Runtime would print them on stderr as well.
  binding.env.logLevel = 'fatal'
  return binding
}

function load(): Library {
  const koffi = require('koffi') as typeof Koffi
  const file = libraryFile()
  const library = koffi.load(file)
  keepLoaded(koffi, file)

  const [getApi, getVersion] = koffi.decode(
    library.func('void* OrtGetApiBase()')(),
    koffi.array('void*', 2),
  ) as Pointer[]
  const version = koffi.call(getVersion, koffi.proto('const char*', [])) as string
  const api = koffi.call(getApi, koffi.proto('void*', ['uint32_t']), API_VERSION) as Pointer | null
  if (!api)
    throw new RuntimeError(`${file}: expected C API version ${API_VERSION}, got ONNX Runtime ${version} without it`)
  const table = koffi.decode(api, koffi.array('void*', API_LENGTH)) as Pointer[]

  const messageType = koffi.proto('const char*', ['void*'])
  const releaseType = koffi.proto('void', ['void*'])
  const releases = mapValues(
    RELEASES,
    (position) => (object: Pointer) => void koffi.call(table[position], releaseType, object),
  )
  const check = (status: Pointer | null): void => {
    if (!status) return
    const message = koffi.call(table[GET_ERROR_MESSAGE], messageType, status) as string
    releases.ReleaseStatus(status)
    throw new RuntimeError(message.trim())
  }
  const types = mapValues(CHECKED, ([, parameters]) => koffi.proto('void*', parameters.split(', ')))
  const { call } = koffi
  const checked = mapValues(CHECKED, ([position], name) => {
    const [address, type] = [table[position], types[name]]
    return (...args: Argument[]) => check(call(address, type, ...args) as Pointer | null)
  })
  /** The function on another thread; what it reads has to be kept until then. */
  const elsewhere = (name: CheckedName) => {
    type Function = Koffi.KoffiFunc<(...args: Argument[]) => Pointer | null>
    const called = koffi.decode(table[CHECKED[name][0]], types[name]) as Function
    return (...args: Argument[]): Promise<void> =>
      new Promise((resolve, reject) => {
        called.async(...args, (error: unknown, status: Pointer | null) => {
          try {
            if (error) throw error
            resolve(check(status))
          } catch (failure) {
            reject(failure)
          }
        })
      })
  }
  const createSession = elsewhere('CreateSessionFromArray')
  return {
    version,
    ...checked,
    ...releases,
    made: (name, ...args) => result(checked[name], args),
    counted: (name, ...args) => Number(result(checked[name], args)),
    runElsewhere: elsewhere('Run'),
    async createSessionElsewhere(...args) {
      const session = new BigUint64Array(new ArrayBuffer(72), 0, 1)
      await createSession(...args, session)
      return session[0]!
    },
    stringAt: (address) => koffi.decode.string(address),
    addressOf: (memory) => koffi.address(memory),
    pathBytes: (path) => Buffer.from(`${path}\0`, process.platform === 'win32' ? 'utf16le' : 'utf8'),
  }
}

function libraryFile(): string {
  const names: Partial<Record<NodeJS.Platform, string>> = {
    linux: 'libonnxruntime.so.1',
    darwin: 'libonnxruntime.1.dylib',
    win32: 'onnxruntime.dll',
  }
  const name = names[process.platform]
  if (name === undefined)
    throw new RuntimeError(`ONNX Runtime: expected linux, darwin or win32, got ${process.platform}`)
  return join(
    dirname(require.resolve('onnxruntime-node/package.json')),
    'bin/napi-v6',
    process.platform,
    process.arch,
    name,
  )
}

// koffi gives its reference to a library back when the handle is collected or its thread ends, even with ONNX Runtime's
// own threads alive in it. A second reference, which nobody gives back, holds the library for the life of the process.
function keepLoaded(koffi: typeof Koffi, file: string): void {
  const RTLD_LAZY = 1
  const handle: unknown =
    process.platform === 'win32'
      ? koffi.load('kernel32.dll').func('void* LoadLibraryW(str16)')(file)
      : koffi.load(null).func('void* dlopen(const char*, int)')(file, RTLD_LAZY)
  if (!handle) throw new RuntimeError(`${file}: expected the system to hold the library, got no handle`)
}

function result(call: (...args: Argument[]) => void, args: Argument[]): bigint {
  written[0] = 0n
  call(...args, written)
  return written[0]
}

function mapValues<K extends string, A, B>(record: Readonly<Record<K, A>>, map: (value: A, key: K) => B): Record<K, B> {
  const mapped = Object.entries<A>(record).map(([key, value]) => [key, map(value, key as K)])
  return Object.fromEntries(mapped) as Record<K, B>
}
