/** The critic's encoder from training to bundle: the labels that are served are those that were trained. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { createModel } from '../../../models/registry.ts'
import { loadBundle } from '../../../runtime/bundle.ts'
import { openLogits } from '../../../runtime/classifier.ts'
import { openText } from '../../../runtime/text.ts'
import { exportCritic } from '../../../trainer/export/critic.ts'
import type { Trained } from '../../../trainer/export/weights.ts'
import { expectClose } from '../../support/all-close.ts'
import { byteTokenizer } from '../../support/byte-tokenizer.ts'
import { randomWeights } from '../../support/decoders.ts'
import { labelledLogits } from '../../support/labelled-logits.ts'
import { temporaryFolder } from '../../support/temporary.ts'

/** The byte tokenizer's token 256 stands between two texts here. */
const SEPARATOR = 256
const sizes = { vocab: 260, width: 32, layers: 2, heads: 4, hidden: 48, maxTokens: 60, separator: SEPARATOR }
const model = createModel('critic', sizes)
const weights = randomWeights(model)

function trained(own = model): Trained {
  const folder = temporaryFolder()
  const { tokenizer, config } = byteTokenizer()
  const { added_tokens: added } = tokenizer as { added_tokens: { id: number; content: string }[] }
  const separator = added.find(({ id }) => id === SEPARATOR)!.content
  const text = (id: string, type_id: number) => ({ Sequence: { id, type_id } })
  const post_processor = {
    type: 'TemplateProcessing',
    single: [text('A', 0)],
    pair: [text('A', 0), { SpecialToken: { id: separator, type_id: 0 } }, text('B', 1)],
    special_tokens: { [separator]: { id: separator, ids: [SEPARATOR], tokens: [separator] } },
  }
  writeFileSync(join(folder, 'tokenizer.json'), JSON.stringify({ ...tokenizer, post_processor }))
  writeFileSync(join(folder, 'tokenizer_config.json'), JSON.stringify(config))
  const settings = { name: 'critic', seed: 1, data: { kind: 'claims', judged: '' } }
  return { model: own, weights: randomWeights(own), codec: openText(folder), folder, step: 5, config: settings }
}

describe("the critic's encoder", () => {
  test('has the logits that it was trained to have, and says how they are read', async () => {
    const own = trained()
    const out = join(temporaryFolder(), 'bundle')
    await exportCritic(own, { out, name: 'tiny-critic', quantization: 'none' })
    const bundle = await loadBundle(out)
    expect(bundle.manifest.classifier).toMatchObject({ labels: ['supported', 'contradicted', 'unchecked'] })
    expect(bundle.manifest.critic?.readsQuestion).toBe(true)
    expect(bundle.manifest.critic?.temperature).toBeGreaterThan(0)
    const encoder = await openLogits(bundle)
    const [told, said] = ['My code is 4071.', 'Code? | It is 4017.']
    const [logits] = await encoder.embed([encoder.encodePair(told, said)])
    encoder.close()
    const ids = [...own.codec.encode(told), SEPARATOR, ...own.codec.encode(said)]
    expectClose(logits!, await labelledLogits(model, weights, ids), { absolute: 1e-4 })
  })

  test('with other labels is refused before anything is written', () => {
    const two = trained(createModel('critic', { ...sizes, labels: 2 }))
    const out = join(temporaryFolder(), 'bundle')
    expect(() => exportCritic(two, { out, name: 'two', quantization: 'none' })).toThrow(
      'critic.labels: expected 3, got 2',
    )
  })
})
