/** `npx tsx report.ts cpu|gpu`: adds two numbers on the build of TensorFlow.js that setup.sh made, and says on what. */
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { loadTensorFlow, type NativeBackend, TensorFlowError } from './load.ts'

/** What is known of the machine's GPUs: one line each, as nvidia-smi prints them, or why there are none. */
export type Gpus = { readonly found: readonly string[] } | { readonly missing: string }

/** Asks nvidia-smi, which comes with the driver. */
export function findGpus(command = 'nvidia-smi'): Gpus {
  const query = ['--query-gpu=name,driver_version', '--format=csv,noheader']
  const { error, status, stdout, stderr } = spawnSync(command, query, { encoding: 'utf8' })
  if (error) return { missing: `no NVIDIA driver (${command} is not there)` }
  const lines = stdout.split('\n').filter((line) => line.trim() !== '')
  if (status !== 0 || lines.length === 0)
    return { missing: `no NVIDIA device (${command}: ${(stderr || stdout).trim().split('\n')[0]})` }
  return { found: lines.map((line) => line.trim().replace(', ', ' with driver ')) }
}

/** The one line about a build: its TensorFlow, where it runs, and what a GPU build found of GPUs. */
export function describeBuild(kind: 'cpu' | 'gpu', version: string, usesGpu: boolean, gpus: Gpus): string {
  const what = `TensorFlow ${version} on the ${usesGpu ? 'GPU' : 'CPU'}`
  if (kind === 'cpu') return what
  if ('missing' in gpus) return `${what}: ${gpus.missing}`
  if (usesGpu) return `${what}: ${gpus.found.join(', ')}`
  return `${what}: it does not use ${gpus.found.join(', ')}; TF_CPP_MIN_LOG_LEVEL=0 makes it say why`
}

async function main(kind: 'cpu' | 'gpu'): Promise<void> {
  process.env['TF_FORCE_GPU_ALLOW_GROWTH'] = 'true'
  const { tf } = await loadTensorFlow(kind === 'gpu' ? 'gpu' : 'node')
  const [sum] = tf.add(tf.scalar(1), tf.scalar(2)).dataSync()
  if (sum !== 3) throw new TensorFlowError(`1 + 2: expected 3, got ${sum}`)
  const { binding, isUsingGpuDevice } = tf.backend() as NativeBackend
  const gpus: Gpus = kind === 'gpu' ? findGpus() : { found: [] }
  process.stdout.write(`tfjs-node: ${describeBuild(kind, binding.TF_Version, isUsingGpuDevice, gpus)}\n`)
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main(process.argv[2] === 'gpu' ? 'gpu' : 'cpu')
