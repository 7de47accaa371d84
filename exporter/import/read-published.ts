/** What a source is a model of, by its configuration and by its tensors. */
import { families } from '../../models/families/registry.ts'
import { namingRules } from './family-names.ts'
import { createNames } from './names.ts'
import { readPublishedConfig, type PublishedModel } from './published-config.ts'
import type { ModelSource, TensorSource } from './sources/source.ts'

/**
 * A head of its own counts, also where the configuration says that the head is the embedding: so does transformers 5.
 * Throws as `readPublishedConfig` does.
 */
export async function readPublished(source: Pick<ModelSource, 'config' | 'tensors'>): Promise<PublishedModel> {
  const published = readPublishedConfig(source.config)
  const { family, model } = published
  if (model.config['tie_word_embeddings'] !== true) return published
  const names = createNames(new Set(source.tensors.names), namingRules(family, model.config))
  const [embedding, head] = [names.find('embed_tokens.weight'), names.find('lm_head.weight')]
  if (embedding === undefined || head === undefined || (await areEqual(source.tensors, embedding, head)))
    return published
  return { ...published, model: families.get(family)!.model({ ...model.config, tie_word_embeddings: false }) }
}

/** Rows that are compared at once. */
const ROWS = 1024

async function areEqual(tensors: TensorSource, one: string, other: string): Promise<boolean> {
  const shape = tensors.shape(one)
  if (shape.join() !== tensors.shape(other).join()) return false
  for (let from = 0; from < shape[0]!; from += ROWS) {
    const to = Math.min(from + ROWS, shape[0]!)
    const [a, b] = [await tensors.readRows(one, from, to), await tensors.readRows(other, from, to)]
    if (
      Buffer.compare(
        Buffer.from(a.buffer, a.byteOffset, a.byteLength),
        Buffer.from(b.buffer, b.byteOffset, b.byteLength),
      )
    )
      return false
  }
  return true
}
