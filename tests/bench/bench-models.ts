/** Models of which the benchmarks measure conversations: made where they are missing, in .cache/bench. */
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { servedBundle } from '../../exporter/import/served-bundle.ts'

export interface ModelFiles {
  /** Folder of the bundle. */
  readonly bundle: string
  /** The same weights for llama.cpp, where they are there. */
  readonly gguf: string | undefined
}

export interface ConversationModel {
  readonly about: string
  readonly lengths: readonly number[]
  files(): Promise<ModelFiles>
}

const cache = join(import.meta.dirname, '../../.cache')
const folder = join(cache, 'bench')
/** ../shared/models/get.sh fetches it. Its tokenizer is that of the models with random weights, too. */
const smollm2 = join(cache, 'models/smollm2-135m-instruct.Q4_1.gguf')

export const conversationModels: Readonly<Record<string, ConversationModel>> = {
  hybrid: {
    about: 'random weights in the shape of Qwen3.5, made small: 64 M parameters, 2 of 8 layers have attention; 4 bits',
    lengths: [1024, 8192, 32_768],
    files: () => randomModel('hybrid'),
  },
  llama: {
    about: 'random weights in the shape of Llama, small: 49 M parameters, 8 layers with attention; 4 bits',
    lengths: [1024, 8192, 32_768],
    files: () => randomModel('llama'),
  },
  smollm2: {
    about: 'SmolLM2-135M-Instruct, Q4_1; its context is 8,192 tokens',
    lengths: [1024, 7168],
    files: async () => ({ bundle: await importedSmolLM2(), gguf: smollm2 }),
  },
}

function importedSmolLM2(): Promise<string> {
  if (!existsSync(smollm2)) throw new Error(`expected ${smollm2}; ../shared/models/get.sh .cache/models fetches it`)
  mkdirSync(folder, { recursive: true })
  return servedBundle(smollm2, folder, console.error)
}

/**
 * Random weights in the shape of tests/bench/NAME.json: of .cache/bench/NAME.gguf, where that has been made, so that
 * llama.cpp has the same ones; else a bundle only.
 */
async function randomModel(name: string): Promise<ModelFiles> {
  const gguf = join(folder, `${name}.gguf`)
  if (existsSync(gguf)) return { bundle: await servedBundle(gguf, folder, console.error), gguf }
  const bundle = join(folder, name)
  if (!existsSync(join(bundle, 'manifest.json'))) {
    const script = join(import.meta.dirname, 'random-bundle.ts')
    const args = [script, join(import.meta.dirname, `${name}.json`), await importedSmolLM2(), bundle]
    execFileSync(process.execPath, ['--import', 'tsx', ...args], { stdio: ['ignore', 'inherit', 'inherit'] })
  }
  return { bundle, gguf: undefined }
}
