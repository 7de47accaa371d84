/**
 * The mean of several runs' weights, a "model soup" (Wortsman et al. 2022, arXiv 2203.05482): runs that start from the same
 * weights and see their data in another order end near each other, and their mean says more than each of them.
 */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { ConfigError } from '../../models/config.ts'
import { createTensor, type Tensor } from '../../runtime/tensor.ts'
import type { NamedTensors } from '../safetensors.ts'
import { loadCheckpoint, readState, saveCheckpoint, tokenizerFiles } from './checkpoint.ts'

/**
 * Writes a checkpoint into the folder `out` whose weights are the mean of those in `folders`: checkpoints, or runs, of which
 * it is the last one. It can be exported and started from; it has no moments, so that no run goes on from it. Throws
 * ConfigError where the models or their tokenizers are not the same.
 */
export async function averageRuns(folders: readonly string[], out: string): Promise<string> {
  const sources = folders.map((folder) => (existsSync(join(folder, 'last')) ? join(folder, 'last') : folder))
  if (sources.length < 2) throw new ConfigError(`expected two runs or more, got ${sources.length}`)
  const [first, ...others] = sources as [string, ...string[]]
  for (const other of others) await checkAlike(first, other)
  const checkpoints = []
  for (const folder of sources) checkpoints.push(await loadCheckpoint(folder))
  const { step, state } = checkpoints[0]!
  const averaged = {
    step,
    state: { ...state, averageOf: [...folders] },
    model: mean(checkpoints.map(({ model }) => model)),
    optimizer: {},
    carry: {},
  }
  return saveCheckpoint(out, averaged, { tokenizer: first })
}

async function checkAlike(one: string, other: string): Promise<void> {
  const [a, b] = [await readState(one), await readState(other)]
  for (const setting of ['architecture', 'model'] as const) {
    const [expected, got] = [a, b].map(({ state }) =>
      JSON.stringify((state['config'] as Settings | undefined)?.[setting]),
    )
    if (expected !== got) throw new ConfigError(`${other}: expected the ${setting} of ${one}, ${expected}, got ${got}`)
  }
  for (const file of tokenizerFiles)
    if (a.files[file]?.sha256 !== b.files[file]?.sha256)
      throw new ConfigError(`${other}: its ${file} is another than that of ${one}`)
}

type Settings = Readonly<Record<string, unknown>>

function mean(models: readonly NamedTensors[]): NamedTensors {
  const entries = Object.entries(models[0]!).map(([path, tensor]): [string, Tensor] => {
    const result = createTensor('float32', [...tensor.dims])
    for (const model of models)
      for (const [at, value] of (model[path]!.data as Float32Array).entries()) result.data[at]! += value / models.length
    return [path, result]
  })
  return Object.fromEntries(entries)
}
