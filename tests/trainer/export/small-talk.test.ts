/** What answers small talk, from training to bundle: the replies that are served are those that were trained. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { createModel } from '../../../models/registry.ts'
import { loadBundle } from '../../../runtime/bundle.ts'
import { openLogits } from '../../../runtime/classifier.ts'
import { fittingReply } from '../../../runtime/small-talk.ts'
import { openText } from '../../../runtime/text.ts'
import { generalReplies, smallTalkReplies } from '../../../trainer/data/small-talk/replies.ts'
import { exportSmallTalk } from '../../../trainer/export/small-talk.ts'
import type { Trained } from '../../../trainer/export/weights.ts'
import { expectClose } from '../../support/all-close.ts'
import { byteTokenizer } from '../../support/byte-tokenizer.ts'
import { randomWeights } from '../../support/decoders.ts'
import { labelledLogits } from '../../support/labelled-logits.ts'
import { temporaryFolder } from '../../support/temporary.ts'

const labels = smallTalkReplies()
const sizes = { vocab: 260, width: 32, layers: 2, heads: 4, hidden: 48, maxTokens: 60, labels: labels.length }

function trained(own = createModel('sentence-classifier', sizes)): Trained {
  const folder = temporaryFolder()
  const { tokenizer, config } = byteTokenizer()
  writeFileSync(join(folder, 'tokenizer.json'), JSON.stringify(tokenizer))
  writeFileSync(join(folder, 'tokenizer_config.json'), JSON.stringify(config))
  const settings = { name: 'small-talk', seed: 1, data: { kind: 'small-talk' } }
  return { model: own, weights: randomWeights(own), codec: openText(folder), folder, step: 5, config: settings }
}

test('the bundle has the logits that it was trained to have, and the replies as its labels', async () => {
  const { model, weights, codec, ...rest } = trained()
  const out = join(temporaryFolder(), 'bundle')
  await exportSmallTalk({ model, weights, codec, ...rest }, { out, name: 'tiny', quantization: 'none' })
  const bundle = await loadBundle(out)
  const { classifier, smallTalk } = bundle.manifest
  expect(classifier?.labels).toEqual(labels)
  expect(smallTalk?.general).toEqual(generalReplies())
  const encoder = await openLogits(bundle)
  const said = 'it is raining'
  const [logits] = await encoder.embed([encoder.encode(said)])
  encoder.close()

  const expected = await labelledLogits(model, weights, codec.encode(said))
  expectClose(logits!, expected, { absolute: 1e-4 })
})

test('with another number of replies is refused before anything is written', () => {
  const two = trained(createModel('sentence-classifier', { ...sizes, labels: 2 }))
  const out = join(temporaryFolder(), 'bundle')
  expect(() => exportSmallTalk(two, { out, name: 'two', quantization: 'none' })).toThrow(
    `sentence-classifier.labels: expected ${labels.length}, got 2`,
  )
})

test('a reply is given where it is likely enough, else the general one of a likely kind, else none', () => {
  const entry = { temperature: 1, leastProbability: 0.5, general: ['bad', 'bad', 'good'], leastOfKind: 0.8 }
  const replies = ['sorry', 'sad', 'glad']
  const given = (...probabilities: number[]) => fittingReply(probabilities.map(Math.log), replies, entry)?.text ?? null
  expect(given(0.6, 0.2, 0.2)).toBe('sorry')
  expect(given(0.45, 0.45, 0.1)).toBe('bad')
  expect(given(0.4, 0.3, 0.3)).toBeNull()
})
