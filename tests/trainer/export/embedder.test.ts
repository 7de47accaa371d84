/** An encoder of sentences from training to bundle: the vectors that are served are those that were trained. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { cosine } from '../../../exporter/import/embedder-trial.ts'
import { createModel } from '../../../models/registry.ts'
import { fill } from '../../../models/spec.ts'
import { loadBundle } from '../../../runtime/bundle.ts'
import { openEmbedder } from '../../../runtime/embedder.ts'
import { openText } from '../../../runtime/text.ts'
import { eagerOps } from '../../../trainer/backends/tensorflow/ops.ts'
import { loadTensorFlow, type Tensor } from '../../../trainer/backends/tensorflow/load.ts'
import { exportEmbedder } from '../../../trainer/export/embedder.ts'
import type { Trained } from '../../../trainer/export/weights.ts'
import { expectClose } from '../../support/all-close.ts'
import { byteTokenizer } from '../../support/byte-tokenizer.ts'
import { randomWeights } from '../../support/decoders.ts'
import { temporaryFolder } from '../../support/temporary.ts'

const model = createModel('sentence', { vocab: 260, width: 64, layers: 2, heads: 4, hidden: 96, maxTokens: 40 })
const weights = randomWeights(model)
const TEXTS = ['My locker code is 4071.', 'What is my locker code?', 'a']

function trained(): Trained {
  const folder = temporaryFolder()
  const { tokenizer, config } = byteTokenizer()
  writeFileSync(join(folder, 'tokenizer.json'), JSON.stringify(tokenizer))
  writeFileSync(join(folder, 'tokenizer_config.json'), JSON.stringify(config))
  return { model, weights, codec: openText(folder), folder, step: 5, config: { name: 'embedder', seed: 1 } }
}

/** The vectors of the model as it is trained, computed by TF.js. */
async function expectedVectors(texts: readonly (readonly number[])[]): Promise<Float32Array[]> {
  const { tf } = await loadTensorFlow('cpu')
  const params = fill(model.params, (path, { shape }) => tf.tensor(weights.get(path)!, shape.map(Number)))
  const time = Math.max(...texts.map(({ length }) => length))
  const ids = tf.tensor2d(
    texts.flatMap((text) => [...text, ...Array<number>(time - text.length).fill(0)]),
    [texts.length, time],
    'int32',
  )
  const { hidden } = model.forward<Tensor>(eagerOps(tf), params, ids, {})
  const all = hidden.dataSync() as Float32Array
  return texts.map((_, row) => all.slice(row * model.width, (row + 1) * model.width))
}

describe('an encoder of sentences that is exported', () => {
  test.each([
    ['none', 1e-5, 1],
    ['int8', 0.05, 0.99],
  ] as const)('makes the vectors that were trained, quantised as %s', async (quantization, absolute, least) => {
    const out = join(temporaryFolder(), 'bundle')
    const own = trained()
    const { trial } = await exportEmbedder(own, { out, name: 'tiny', quantization, leastSimilarity: 0.7 })
    expect((trial as { cosine: number }).cosine).toBeGreaterThan(0.99)
    const bundle = await loadBundle(out)
    const { manifest } = bundle
    expect(manifest.embedder).toEqual({
      pooling: 'mean',
      normalize: true,
      width: 64,
      maxTokens: 40,
      leastSimilarity: 0.7,
    })
    expect(manifest.config).not.toHaveProperty('temperature')
    const embedder = await openEmbedder(bundle)
    const found = await embedder.embed(TEXTS.map((text) => embedder.encode(text)))
    embedder.close()
    const expected = await expectedVectors(TEXTS.map((text) => own.codec.encode(text)))
    for (const [at, vector] of found.entries()) {
      expectClose(vector, expected[at]!, { absolute })
      expect(cosine(vector, expected[at]!)).toBeGreaterThan(least - 1e-5)
    }
  })

  test('weights that are missing are refused before anything is written', () => {
    const own = { ...trained(), weights: new Map([...weights].slice(1)) }
    const out = join(temporaryFolder(), 'bundle')
    expect(() => exportEmbedder(own, { out, name: 'tiny', quantization: 'none' })).toThrow(/embed_tokens\.weight/)
  })
})
