import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createTensor } from '../../../runtime/tensor.ts'
import { loadCheckpoint } from '../../../trainer/run/checkpoint.ts'
import { prepare } from '../../../trainer/run/prepare.ts'
import { encodeSafetensors } from '../../../trainer/safetensors.ts'
import { checkContinued, recipeWith } from '../../../trainer/recipes/settings.ts'
import { heldOutLoss, train } from '../../../trainer/run/train.ts'
import { loadTrained } from '../../../trainer/export/weights.ts'
import { expectSameBits } from '../../support/all-close.ts'

const folder = mkdtempSync(join(tmpdir(), 'mneme-init-'))
afterAll(() => rmSync(folder, { recursive: true }))
const text = join(folder, 'text.txt')
const small = { width: 16, layers: 2, heads: 2, hidden: 16, window: 8 }
const set = (prefix: string, options: Record<string, unknown>): string[] =>
  Object.entries(options).map(([key, value]) => `${prefix}.${key}=${JSON.stringify(value)}`)
const settings = [
  `data.files=["${text}"]`,
  'batch=2',
  'sequenceLength=16',
  'schedule.steps=6',
  'schedule.warmup=1',
  'evaluateEvery=3',
  'evaluateBatches=2',
]
const layers = set('model', { rows: 16, memoryHeads: 2, loraRank: 2, adapters: 'both' })
const attached = [...layers, ...set('model', { base: 'vanilla', baseConfig: small })]

/** A run of `recipe` in `name`, opened but not trained. */
const open = (recipe: string, name: string, more: readonly string[], resume = false) =>
  prepare(recipeWith(recipe, [...settings, ...more]), {
    out: join(folder, name),
    resume,
    backend: 'compiled',
    devices: [{ device: 'cpu', id: 0 }],
    threads: 1,
    report: () => {},
  })

const base = join(folder, 'base')
let baseLoss: number
beforeAll(async () => {
  writeFileSync(text, Array.from({ length: 300 }, (_, i) => `line ${i} of ${(i * 7) % 13} words\n`).join(''))
  const { run, backend } = await open('vanilla', 'base', set('model', small))
  await train(run, false)
  baseLoss = await heldOutLoss(backend, run.heldOut!)
  backend.close()
})

test('an adapter starts where its base ended, and training moves what was added only', async () => {
  const { run, backend, notes } = await open('adapter', 'adapter', [...layers, `start.checkpoint=${base}`])
  expect(notes).toEqual([`${base}: 14 of 26 parameters`])
  expect(await heldOutLoss(backend, run.heldOut!)).toBe(baseLoss)
  await train(run, false)
  backend.close()
  const [before, after] = [await loadCheckpoint(join(base, 'last')), await loadCheckpoint(join(run.out, 'last'))]
  for (const [path, t] of Object.entries(before.model)) expectSameBits(after.model[`base.${path}`]!.data, t.data, path)
  expect(Object.keys(after.optimizer).filter((name) => name.includes('.base.'))).toEqual([])
  expect(Object.keys(after.optimizer)).toContain('first.lora.blocks.0.attention.qkv.down')
  expect((after.model['lora.blocks.0.attention.qkv.up']!.data as Float32Array).some((x) => x !== 0)).toBe(true)
  expect((await loadTrained(run.out)).model.config).toMatchObject({ base: 'vanilla', baseConfig: small })

  const longer = await open('adapter', 'adapter', [...layers, 'schedule.steps=8'], true)
  expect(() => checkContinued(JSON.parse(JSON.stringify(run.config)), longer.run.config)).not.toThrow()
  expect((await train(longer.run, true)).step).toBe(8)
  longer.backend.close()
})

test('a run of the same architecture starts with all of its values, one from a file with those that it holds', async () => {
  const again = await open('vanilla', 'again', [...set('model', small), `start.checkpoint=${base}`])
  expect(await heldOutLoss(again.backend, again.run.heldOut!)).toBe(baseLoss)
  again.backend.close()
  const file = join(folder, 'some.safetensors')
  const norm = createTensor('float32', [16], new Float32Array(16).fill(3))
  writeFileSync(file, Buffer.concat(encodeSafetensors({ norm })))
  const part = await open('vanilla', 'part', [...set('model', small), `start.checkpoint=${file}`])
  expect(part.notes).toEqual([`${file}: 1 of 14 parameters`])
  expect(part.backend.read().get('param.norm')!.data[0]).toBe(3)
  part.backend.close()
})

test('weights that do not fit are refused, with what was expected', async () => {
  const refused = (name: string, more: readonly string[]) => expect(open('adapter', name, more)).rejects
  await refused('none', attached).toThrow(/base\.embed: is frozen and has no trained values; give --init/)
  await refused('missing', [...attached, `start.checkpoint=${join(folder, 'nothing')}`]).toThrow(/found nothing/)
  await refused('nobody', layers).toThrow('adapter.base: expected --init with a run or a published model to adapt')
  const wide = set('model', { base: 'vanilla', baseConfig: { ...small, width: 32 }, rows: 16, memoryHeads: 2 })
  await refused('wide', [...wide, `start.checkpoint=${base}`]).toThrow(
    /blocks\.0\.attention\.output: expected float32 \[32, 32\], got float32 \[16, 16\]/,
  )
  await refused('other', [...attached, 'tokenizer.kind=char', `start.checkpoint=${base}`]).toThrow(
    /was trained with another tokenizer; use it: --set tokenizer.kind=folder --set tokenizer.folder=/,
  )
  const deeper = open('vanilla', 'shallow', [...set('model', { ...small, layers: 1 }), `start.checkpoint=${base}`])
  await expect(deeper).rejects.toThrow(/blocks\.1\.attention\.output: this vanilla has no such parameter/)
})
