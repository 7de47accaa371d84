/**
 * How far imported models are from transformers on the fixtures: largest differences of logits over four prompts and 24
 * greedy tokens after each, and of the GGUF files over one prompt.
 *   npx tsx tests/bench/families.ts
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openDecoder } from '../../runtime/decoder.ts'
import { folders, ggufs, importTo, readReference, type Numbers } from '../support/published.ts'

const folder = mkdtempSync(join(tmpdir(), 'mneme-families-'))
const distance = (got: Numbers, expected: Numbers): number =>
  expected.reduce((most, x, i) => Math.max(most, Math.abs(x - got[i]!)), 0)
const open = async (source: string) => {
  const bundle = await importTo(folder, source)
  return { bundle, decoder: await openDecoder(bundle.path('decoder.onnx'), bundle.manifest.state) }
}

console.log('| folder | family | logits of prompts | logits of 24 greedy tokens | same tokens |\n|---|---|---|---|---|')
for (const name of folders) {
  const { bundle, decoder } = await open(`models/${name}`)
  const reference = await readReference(`models/${name}`)
  let [prompts, replies, same, all] = [0, 0, 0, 0]
  for (const prompt of [0, 1, 2, 3]) {
    const ids = reference.ids(`ids.${prompt}`)
    const behind = reference.numbers(`greedy_logits.${prompt}`)
    let step = await decoder.run([ids], decoder.start(1))
    const logits = step.logits.data as Numbers
    if (prompt === 2) prompts = Math.max(prompts, distance(logits, reference.numbers('logits_all.2')))
    prompts = Math.max(prompts, distance(logits.slice(-decoder.vocab), reference.numbers(`logits_last.${prompt}`)))
    for (const [i, id] of reference.ids(`greedy.${prompt}`).entries()) {
      const last = (step.logits.data as Numbers).slice(-decoder.vocab)
      replies = Math.max(replies, distance(last, behind.subarray(i * decoder.vocab, (i + 1) * decoder.vocab)))
      if (last.reduce((best, x, at) => (x > last[best]! ? at : best), 0) === id) same++
      all++
      step = await decoder.run([[id]], step.state)
    }
  }
  decoder.close()
  const cells = [
    name,
    bundle.manifest.architecture,
    prompts.toExponential(1),
    replies.toExponential(1),
    `${same} of ${all}`,
  ]
  console.log(`| ${cells.join(' | ')} |`)
}
console.log('\n| GGUF file | logits of 33 tokens |\n|---|---|')
for (const file of ggufs) {
  const [of, base] = file.split('/') as [string, string]
  const { decoder } = await open(`gguf/${file}`)
  const reference = await readReference(`gguf/${of}`)
  const { logits } = await decoder.run([reference.ids('ids.2')], decoder.start(1))
  const form = base.slice(of.length + 1, -'.gguf'.length)
  console.log(
    `| ${base} | ${distance(logits.data as Numbers, reference.numbers(`${form}/logits_all.2`)).toExponential(1)} |`,
  )
  decoder.close()
}
rmSync(folder, { recursive: true })
