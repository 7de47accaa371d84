/**
 * Makes a folder to give away of an adapter's checkpoint: what was added in float16, without the optimizer's moments.
 * `npx tsx trainer/export/share-adapter.ts CHECKPOINT OUT`; `mneme export OUT --set model.source=BASE` makes its bundle.
 */
import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { toHalf } from '../../exporter/import/sources/numbers.ts'
import type { Recipe } from '../recipes/recipe.ts'
import { loadCheckpoint, type StateFile, tokenizerFiles } from '../run/checkpoint.ts'
import { createTensor } from '../../runtime/tensor.ts'
import { encodeSafetensors, type NamedTensors } from '../safetensors.ts'

const [from, out] = process.argv.slice(2)
if (from === undefined || out === undefined) throw new Error('expected CHECKPOINT and OUT')
const { step, state, model } = await loadCheckpoint(from)
const files: Record<string, { sha256: string; bytes: number }> = {}
mkdirSync(out, { recursive: true })

const halves: NamedTensors = Object.fromEntries(
  Object.entries(model).map(([path, { dims, data }]) => [
    path,
    createTensor('float16', dims, Uint16Array.from(data as Float32Array, toHalf)),
  ]),
)
write('model.safetensors', Buffer.concat(encodeSafetensors(halves, { format: 'mneme' })))
for (const name of ['optimizer', 'carry'])
  write(`${name}.safetensors`, Buffer.concat(encodeSafetensors({}, { format: 'mneme' })))
for (const name of tokenizerFiles) write(name, readFileSync(join(from, name)))
const whole: StateFile = { format: 'mneme-checkpoint', version: 2, step, state: withoutPlaces(state), files }
writeFileSync(join(out, 'state.json'), `${JSON.stringify(whole, null, 1)}\n`)

function write(name: string, bytes: Buffer): void {
  writeFileSync(join(out!, name), bytes)
  files[name] = { sha256: createHash('sha256').update(bytes).digest('hex'), bytes: bytes.length }
}

/** Files without the folders that they had on the machine that trained. */
function withoutPlaces(saved: StateFile['state']): StateFile['state'] {
  const { model, start, tokenizer } = saved['config'] as unknown as Recipe
  const places = [model['source'] as string, start.checkpoint, tokenizer.folder]
  let text = JSON.stringify(saved)
  for (const place of places.filter((one) => one.includes('/'))) text = text.replaceAll(place, basename(place))
  return JSON.parse(text) as StateFile['state']
}
