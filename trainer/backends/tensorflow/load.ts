/** Loads TensorFlow.js, the best build that is installed; the only file that imports it. */
import { createRequire } from 'node:module'
import { dirname } from 'node:path'
import type * as tensorflow from '@tensorflow/tfjs'

export type TensorFlow = typeof tensorflow
export type Tensor = tensorflow.Tensor

/** Which TensorFlow.js to use; `auto` takes the first that loads, in this order. */
export const builds = ['gpu', 'node', 'webgpu', 'wasm', 'cpu'] as const
export type Build = (typeof builds)[number]

/** What tfjs-node's backend says of itself. */
export interface NativeBackend extends tensorflow.KernelBackend {
  readonly binding: { readonly TF_Version: string }
  readonly isUsingGpuDevice: boolean
}

export class TensorFlowError extends Error {
  override name = 'TensorFlowError' as const
}

/** TensorFlow.js and the build that was loaded. Throws TensorFlowError, with the reason of each build that failed. */
export async function loadTensorFlow(wanted: Build | 'auto' = 'auto'): Promise<{ tf: TensorFlow; build: Build }> {
  const failures: string[] = []
  for (const build of wanted === 'auto' ? builds : [wanted]) {
    try {
      const tf = await loaders[build]()
      await tf.ready()
      return { tf, build }
    } catch (error) {
      failures.push(`${build}: ${(error instanceof Error ? error.message : String(error)).split('\n')[0]}`)
    }
  }
  throw new TensorFlowError(`TensorFlow.js does not load (${failures.join('; ')}); npm run setup:tensorflow builds it`)
}

/** tfjs-node calls two functions of node:util that Node 23 removed. */
function restoreUtil(): void {
  const util = createRequire(import.meta.url)('node:util') as Record<string, unknown>
  util['isNullOrUndefined'] ??= (x: unknown) => x === undefined || x === null
  util['isArray'] ??= (x: unknown) => Array.isArray(x)
}

/** The build, and where it runs if its name does not say so: the GPU build falls back to the CPU without an error. */
export function describe(tf: TensorFlow, build: Build): string {
  const onCpu = build === 'gpu' && !(tf.backend() as NativeBackend).isUsingGpuDevice
  return `TF.js ${tf.version_core} on ${onCpu ? 'the CPU, by the build for GPUs' : build}`
}

const native = (name: string) => async (): Promise<TensorFlow> => {
  restoreUtil()
  process.env['TF_CPP_MIN_LOG_LEVEL'] ??= '2' // errors only
  return createRequire(import.meta.url)(name) as TensorFlow
}

/** The umbrella package on one of its own backends. */
const portable = (backend: string, extra: string | null) => async (): Promise<TensorFlow> => {
  const require = createRequire(import.meta.url)
  const tf = require('@tensorflow/tfjs') as TensorFlow
  if (extra !== null) {
    const module = require(extra) as { setWasmPaths?: (folder: string) => void }
    module.setWasmPaths?.(`${dirname(require.resolve(extra))}/`)
  }
  tf.enableProdMode() // no advice on stderr
  if (!(await tf.setBackend(backend))) throw new TensorFlowError(`backend ${backend} does not start`)
  return tf
}

const loaders: Record<Build, () => Promise<TensorFlow>> = {
  gpu: native('@tensorflow/tfjs-node-gpu'),
  node: native('@tensorflow/tfjs-node'),
  webgpu: portable('webgpu', '@tensorflow/tfjs-backend-webgpu'),
  wasm: portable('wasm', '@tensorflow/tfjs-backend-wasm'),
  cpu: portable('cpu', null),
}
