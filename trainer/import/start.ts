/** Starts a run from published weights in the place of drawn ones. */
import type { Model } from '../../models/architecture.ts'
import type { Backend } from '../backend.ts'
import { readSafetensors } from '../safetensors.ts'
import { gpt2 } from './gpt2.ts'
import { mamba } from './mamba.ts'
import { importWeights, type Published } from './published.ts'

/** Safetensors files by what they hold; empty: none. */
export interface Start {
  readonly gpt2: string
  readonly mamba: string
}

const known: Readonly<Record<keyof Start, Published>> = { gpt2, mamba }

/** Puts the files' weights into the backend; one line for each file that says what was taken. */
export async function startFrom(start: Start, model: Model, backend: Backend): Promise<string[]> {
  const lines: string[] = []
  for (const [kind, published] of Object.entries(known)) {
    const file = start[kind as keyof Start]
    if (file === '') continue
    const { tensors } = await readSafetensors(file)
    const { weights, unused } = importWeights(published, tensors, model.params)
    const held = backend.read()
    for (const [path, data] of weights) {
      const name = `param.${path}`
      held.set(name, { shape: held.get(name)!.shape, data })
    }
    backend.write(held)
    lines.push(
      `${published.name} from ${file}: ${weights.size} tensors, ${unused.length} not used${unused.length > 0 ? ` (${unused.slice(0, 3).join(', ')}${unused.length > 3 ? ', ...' : ''})` : ''}`,
    )
  }
  return lines
}
