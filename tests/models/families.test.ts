import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { exportBundle } from '../../exporter/export.ts'
import { createModel } from '../../models/registry.ts'
import { loadBundle } from '../../runtime/bundle.ts'
import type { Decoder } from '../../runtime/decoder.ts'
import { loadTensorFlow, type TensorFlow } from '../../trainer/backends/tensorflow/load.ts'
import { tensorFlowReference } from '../../trainer/export/reference.ts'
import { writeIdTokenizer } from '../../trainer/tokenizer/ids.ts'
import { expectClose } from '../support/all-close.ts'
import { eagerRun, openModel, randomIds, randomWeights } from '../support/decoders.ts'
import { temporaryFolder } from '../support/temporary.ts'
import { familyAdapter, familyConfigurations } from './configurations.ts'

/** Float32 sums in another order, kernels against primitives, of logits of about 10. */
const CLOSE = { absolute: 1e-4, relative: 1e-4 }
/** Longer than every window and convolution of the table. */
const TIME = 21

/** Logits of all ids, fed in pieces of the given lengths. */
async function feed(decoder: Decoder, ids: readonly number[], lengths: readonly number[]): Promise<number[]> {
  let [state, at] = [decoder.start(1), 0]
  const logits: number[] = []
  for (const length of lengths) {
    const step = await decoder.run([ids.slice(at, at + length)], state)
    logits.push(...(step.logits.data as Float32Array))
    state = step.state
    at += length
  }
  return logits
}

let tf: TensorFlow
beforeAll(async () => {
  tf = (await loadTensorFlow('cpu')).tf
})

test('heads that no kernel serves can be trained, and are refused by name where they would be served', async () => {
  const model = createModel('llama', { hidden_size: 24, num_attention_heads: 2, num_hidden_layers: 1 })
  const sentence = 'attention is served with heads of a multiple of 8 channels, these have 12'
  expect(model.trainingOnly).toBe(sentence)
  await expect(openModel(model, 'fused')).rejects.toThrow(`llama: ${sentence}`)
})

describe.each([...familyConfigurations, familyAdapter])('$name with random weights', ({ model }) => {
  test('the definition in TF.js = the decoder in ONNX Runtime, whole, in pieces and token by token', async () => {
    const weights = randomWeights(model)
    const ids = randomIds(model.vocab, TIME, 1)
    const expected = eagerRun(tf, model, weights, [ids]).logits
    const decoder = await openModel(model, 'fused', weights)
    for (const lengths of [[TIME], [1, 2, 11, 7], ids.map(() => 1)])
      expectClose(await feed(decoder, ids, lengths), expected, {
        ...CLOSE,
        what: `logits in pieces of ${lengths.join()}`,
      })
    decoder.close()
  })

  test('is exported, verified over a session that outgrows its first cache, and keeps what it must not forget', async () => {
    const folder = temporaryFolder()
    await writeIdTokenizer(join(folder, 'tokenizer'), model.vocab)
    const weights = randomWeights(model)
    const { verification } = await exportBundle({
      model,
      weights,
      kernels: 'fused',
      tokenizer: join(folder, 'tokenizer'),
      out: join(folder, 'bundle'),
      name: 'small',
      reference: await tensorFlowReference(model, weights),
      ids: randomIds(model.vocab, TIME, 2),
      length: 150,
      generation: {},
      source: {},
    })
    expect(verification.length).toBe(model.positions ?? 150)
    const { manifest } = await loadBundle(join(folder, 'bundle'))
    expect(manifest.maxTokens).toBe(model.positions)
    const growing = manifest.state.filter(({ kind }) => kind === 'append')
    expect(growing.every(({ shape }) => shape.includes('time'))).toBe(true)
  })
})
