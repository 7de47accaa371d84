import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { calibrationIds } from '../../../exporter/import/calibration-ids.ts'
import type { Imported } from '../../../exporter/import/import-options.ts'
import { importModel } from '../../../exporter/import/import.ts'
import { reportQuantization } from '../../../exporter/import/report.ts'
import { MARGIN } from '../../../exporter/kv-scales.ts'
import { loadBundle, type Bundle } from '../../../runtime/bundle.ts'
import { stateBytes } from '../../../runtime/manifest.ts'
import { bytesPerElement, type Tensor } from '../../../runtime/tensor.ts'
import { openText } from '../../../runtime/text.ts'
import { memoryOf } from '../../../server/engine/model-memory.ts'
import { expectClose } from '../../support/all-close.ts'
import { importByteModel } from '../../support/byte-model.ts'
import { expectPieces, expectSavedAndBatched, opened, type Close } from '../../support/decoder-claims.ts'
import { writeOnnxFolder } from '../../support/onnx-folders.ts'
import { fixtures, importTo, readReference, type Numbers } from '../../support/published.ts'
import { temporaryFolder } from '../../support/temporary.ts'

/**
 * What half precision and steps of 8 bits leave of logits of about 10, and of the divergence in nats; these models have random
 * weights, which attend to many tokens alike.
 */
const BOUNDS = {
  float16: { logits: { absolute: 0.02, relative: 0 }, divergence: 1e-5 },
  int8: { logits: { absolute: 0.6, relative: 0 }, divergence: 5e-3 },
} satisfies Record<string, { logits: Close; divergence: number }>
type Few = keyof typeof BOUNDS

/** Transformers, with windows, latent attention; hybrids of each kind of recurrent layer. */
const FAMILIES = ['llama', 'gemma3', 'gpt2', 'qwen3_5', 'granitemoehybrid', 'falcon_h1', 'lfm2', 'kimi_linear']
const cases = FAMILIES.flatMap((name) => (['float16', 'int8'] as const).map((kv): [string, Few] => [name, kv]))

describe.skipIf(!existsSync(fixtures)).each(cases)('%s with keys and values in %s', (name, kv) => {
  const folder = mkdtempSync(join(tmpdir(), 'mneme-'))
  let imported: Imported
  let bundle: Bundle
  let reference: Awaited<ReturnType<typeof readReference>>
  beforeAll(async () => {
    reference = await readReference(`models/${name}`)
    imported = await importModel({ source: join(fixtures, 'models', name), out: folder, quantization: 'none', kv })
    bundle = await loadBundle(folder)
  })
  afterAll(() => rmSync(folder, { recursive: true }))

  test('says what they cost beside float32 ones, and is within it of transformers', async () => {
    const { divergence, tokens, perplexity } = imported.kvCost!
    expect(imported.manifest.verification['kv']).toEqual({ dtype: kv, divergence, tokens, perplexity })
    expect(divergence).toBeGreaterThan(0)
    expect(divergence).toBeLessThan(BOUNDS[kv].divergence * (name === 'gpt2' ? 4 : 1))
    expect(perplexity.compared / perplexity.reference).toBeCloseTo(1, 1)
    const decoder = await opened(bundle)
    const ids = reference.ids('ids.2')
    const { logits } = await decoder.run([ids], decoder.start(1))
    expectClose(logits.data as Numbers, reference.numbers('logits_all.2'), BOUNDS[kv].logits)
    decoder.close()
  })

  // What attention is fed has other last bits in a prompt than alone; a number between two steps is then stored as the other.
  test('whole = in pieces = token by token within what they cost; a later token changes nothing before', () =>
    expectPieces(bundle, reference, BOUNDS[kv].logits))

  test('saved after a prompt and restored elsewhere = uninterrupted, and a batch of any lengths = its rows alone, bit for bit', () =>
    expectSavedAndBatched(bundle, reference))

  test('takes as many bytes of memory and of a page as its numbers have', async () => {
    const whole = await importTo(temporaryFolder(), `models/${name}`)
    const size = bytesPerElement(kv) / bytesPerElement('float32')
    const [few, all] = [bundle, whole].map(({ manifest }) =>
      manifest.state.filter(({ kind }) => kind === 'append').reduce((sum, entry) => sum + stateBytes(entry), 0),
    ) as [number, number]
    expect(few).toBe(all * size)
    expect(memoryOf(bundle.manifest, 4).perPosition).toBe(memoryOf(whole.manifest, 4).perPosition * size)
    const fixed = ({ manifest }: Bundle) => manifest.state.filter(({ kind }) => kind === 'fixed')
    expect(fixed(bundle)).toEqual(fixed(whole))
  })
})

describe.skipIf(!existsSync(fixtures))('the steps of int8 keys and values', () => {
  /** Caches of a small model with byte tokens after each of the texts, which is read `times` times. */
  async function cachesAfter(times: number): Promise<{ caches: Map<string, Tensor>; tokens: number }[]> {
    const out = await importByteModel('llama', temporaryFolder(), { max_position_embeddings: 4096 }, 'int8')
    const decoder = await opened(await loadBundle(out))
    const { calibration } = calibrationIds(openText(out), 4096)
    expect(calibration.map(({ length }) => length)).toEqual([512, 256])
    const found = []
    for (const ids of calibration) {
      let state = decoder.start(1)
      for (let at = 0; at < times * ids.length; at += 64) {
        const from = at % ids.length
        state = (await decoder.run([ids.slice(from, from + 64)], state)).state
      }
      const caches = new Map(Object.entries(state).filter(([name]) => name !== 'positions'))
      expect([...caches].map(([name, { dtype }]) => `${name} ${dtype}`)).toContain('layers.0.k int8')
      found.push({ caches, tokens: times * ids.length })
    }
    decoder.close()
    return found
  }

  /** The largest size of each channel of each head, and of each pair of channels. */
  function largest({ dims, data }: Tensor, tokens: number) {
    const [, heads, capacity, channels] = dims as [number, number, number, number]
    const [each, pairs] = [new Float64Array(heads * channels), new Float64Array((heads * channels) / 2)]
    const at = (head: number, t: number, i: number): number =>
      Number(data[(head * capacity + t) * channels + (i % channels)])
    for (let head = 0; head < heads; head++)
      for (let t = 0; t < tokens; t++)
        for (let i = 0; i < channels; i++) {
          const of = head * channels + i
          each[of] = Math.max(each[of]!, Math.abs(at(head, t, i)))
          if (i >= channels / 2) continue
          const pair = (head * channels) / 2 + i
          pairs[pair] = Math.max(pairs[pair]!, Math.hypot(at(head, t, i), at(head, t, i + channels / 2)))
        }
    return { each, pairs }
  }

  test('are as wide as the text needs them, with the margin, for each head and channel; rotated pairs by their length', async () => {
    const texts = await cachesAfter(1)
    for (const name of texts[0]!.caches.keys()) {
      const sizes = texts.map(({ caches, tokens }) => largest(caches.get(name)!, tokens))
      const margin = name.endsWith('.k') ? MARGIN.rotated : MARGIN.other
      const of = name.endsWith('.k') ? 'pairs' : 'each'
      // What later layers are fed is itself a little other than with float32.
      for (const at of sizes[0]![of].keys()) {
        const steps = Math.max(...sizes.map((found) => found[of][at]!))
        expect(steps, name).toBeGreaterThan((127 / margin) * 0.9 - 1)
        expect(steps, name).toBeLessThan((127 / margin) * 1.1 + 1)
      }
    }
  })

  test('hold for keys at later positions too, where slow rotations have turned further', async () => {
    for (const { caches } of await cachesAfter(7)) {
      // The keys of the first layer depend on their token and position alone.
      const { data } = caches.get('layers.0.k')!
      const most = (data as Int8Array).reduce((found, x) => Math.max(found, Math.abs(x)), 0)
      expect(most).toBeLessThanOrEqual(Math.ceil(127 / MARGIN.rotated))
    }
  })
})

describe.skipIf(!existsSync(fixtures))('--kv', () => {
  test.each<[what: string, source: () => Promise<string>, sentence: RegExp]>([
    [
      'of a model without attention',
      () => Promise.resolve(join(fixtures, 'models/mamba2')),
      /--kv: expected float32 for mamba2, which keeps no keys and values of all tokens.*got int8/,
    ],
    [
      'of an encoder',
      () => Promise.resolve(join(fixtures, 'models/bert')),
      /--kv: expected it for a decoder only, got int8 for an encoder/,
    ],
    [
      'of an ONNX graph',
      async () => {
        const folder = temporaryFolder()
        await writeOnnxFolder(folder, 'llama', { convention: 'transformers.js', caches: 'shared' })
        return folder
      },
      /--kv: expected none for an ONNX graph, whose keys and values are as it has them, got int8/,
    ],
  ])('%s is refused before anything is written', async (_, source, sentence) => {
    const folder = temporaryFolder()
    const options = { source: await source(), out: join(folder, 'out'), quantization: 'keep', kv: 'int8' } as const
    await expect(importModel(options)).rejects.toThrow(sentence)
    expect(readdirSync(folder)).toEqual([])
  })

  test('float32 is what an import without it is', async () => {
    const [given, without] = [temporaryFolder(), temporaryFolder()]
    const source = join(fixtures, 'models/llama')
    const { kvCost } = await importModel({ source, out: given, quantization: 'none', kv: 'float32', name: 'one' })
    await importModel({ source, out: without, quantization: 'none', name: 'one' })
    expect(kvCost).toBeUndefined()
    expect((await loadBundle(given)).manifest).toEqual((await loadBundle(without)).manifest)
  })

  test('is in a report beside what weights in few bits cost', async () => {
    const folder = temporaryFolder()
    const text = join(folder, 'text.txt')
    writeFileSync(text, 'The quick brown fox jumps over the lazy dog, again and again. '.repeat(8))
    const source = join(fixtures, 'gguf/gguf-quants/gguf-quants.BF16.gguf')
    const options = { source, out: join(folder, 'few'), quantization: 'int4', kv: 'float16' } as const
    await importModel(options)
    const { kv, divergence, perplexity } = await reportQuantization(options, text)
    expect(kv!.dtype).toBe('float16')
    expect(kv!.divergence).toBeGreaterThan(0)
    expect(kv!.divergence).toBeLessThan(divergence)
    expect(kv!.perplexity.compared).toBe(perplexity.quantized)
    expect(readdirSync(folder).toSorted()).toEqual(['few', 'text.txt'])
  })
})
