/** The reader of memories from training to bundle: the labels that are served are those that were trained. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { createModel } from '../../../models/registry.ts'
import { loadBundle } from '../../../runtime/bundle.ts'
import { openLogits } from '../../../runtime/classifier.ts'
import { READER_LABELS } from '../../../runtime/reader.ts'
import { openText } from '../../../runtime/text.ts'
import { exportReader } from '../../../trainer/export/reader.ts'
import type { Trained } from '../../../trainer/export/weights.ts'
import { expectClose } from '../../support/all-close.ts'
import { byteTokenizer } from '../../support/byte-tokenizer.ts'
import { randomWeights } from '../../support/decoders.ts'
import { labelledLogits } from '../../support/labelled-logits.ts'
import { temporaryFolder } from '../../support/temporary.ts'

/** Tokens of the byte tokenizer that stand before a pair and after each of its texts here. */
const [START, SEPARATOR] = [257, 256]
const sizes = {
  vocab_size: 260,
  hidden_size: 32,
  num_hidden_layers: 2,
  num_attention_heads: 4,
  intermediate_size: 48,
  max_position_embeddings: 60,
  start: START,
  separator: SEPARATOR,
}
const model = createModel('reader', sizes)
const weights = randomWeights(model)

function trained(own = model): Trained {
  const folder = temporaryFolder()
  const { tokenizer, config } = byteTokenizer()
  const { added_tokens: added } = tokenizer as { added_tokens: { id: number; content: string }[] }
  const named = (id: number): string => added.find((one) => one.id === id)!.content
  const text = (id: string, type_id: number) => ({ Sequence: { id, type_id } })
  const special = (id: number, type_id: number) => ({ SpecialToken: { id: named(id), type_id } })
  const single = [special(START, 0), text('A', 0), special(SEPARATOR, 0)]
  const post_processor = {
    type: 'TemplateProcessing',
    single,
    pair: [...single, text('B', 1), special(SEPARATOR, 1)],
    special_tokens: Object.fromEntries(
      [START, SEPARATOR].map((id) => [named(id), { id: named(id), ids: [id], tokens: [named(id)] }]),
    ),
  }
  writeFileSync(join(folder, 'tokenizer.json'), JSON.stringify({ ...tokenizer, post_processor }))
  writeFileSync(join(folder, 'tokenizer_config.json'), JSON.stringify(config))
  const settings = { name: 'reader', seed: 1, data: { kind: 'reading' } }
  return { model: own, weights, codec: openText(folder), folder, step: 5, config: settings }
}

describe('the reader of memories', () => {
  test('has the logits that it was trained to have, alone and beside a longer pair', async () => {
    const own = trained()
    const out = join(temporaryFolder(), 'bundle')
    await exportReader(own, { out, name: 'tiny-reader', quantization: 'none' })
    const bundle = await loadBundle(out)
    expect(bundle.manifest.classifier?.labels).toEqual(READER_LABELS)
    const encoder = await openLogits(bundle)
    const [asked, told] = ['who cuts my hair?', 'Marek at Blades']
    const [logits] = await encoder.embed([
      encoder.encodePair(asked, told),
      encoder.encodePair(asked, `${told}, since May`),
    ])
    encoder.close()
    const ids = [START, ...own.codec.encode(asked), SEPARATOR, ...own.codec.encode(told), SEPARATOR]
    expectClose(logits!, await labelledLogits(model, weights, ids), { absolute: 1e-4 })
  })

  test('with other labels is refused before anything is written', () => {
    const own = createModel('reader', { ...sizes, labels: 2 })
    const two = { ...trained(own), weights: randomWeights(own) }
    const out = join(temporaryFolder(), 'bundle')
    expect(() => exportReader(two, { out, name: 'two', quantization: 'none' })).toThrow(
      'reader.labels: expected 4, got 2',
    )
  })
})
