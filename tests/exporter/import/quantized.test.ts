import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { openDecoder } from '../../../runtime/decoder.ts'
import { fixtures, importTo, readReference, type Numbers } from '../../support/published.ts'
import { temporaryFolder } from '../../support/temporary.ts'

/** Mean KL divergence of the distributions that two sets of logits give, in nats. */
function divergence(got: Numbers, expected: Numbers, vocab: number): number {
  const logProbs = (logits: Numbers): number[] => {
    const most = Math.max(...logits)
    const total = Math.log(logits.reduce((sum, x) => sum + Math.exp(x - most), 0)) + most
    return Array.from(logits, (x) => x - total)
  }
  let sum = 0
  for (let at = 0; at < expected.length; at += vocab) {
    const [p, q] = [expected, got].map((logits) => logProbs(logits.subarray(at, at + vocab))) as [number[], number[]]
    sum += p.reduce((kl, log, i) => kl + Math.exp(log) * (log - q[i]!), 0)
  }
  return (sum * vocab) / expected.length
}

describe.skipIf(!existsSync(fixtures))('imported in few bits', () => {
  async function run(source: string, quantization: 'keep' | 'int8' | 'int4', ids: readonly number[]) {
    const bundle = await importTo(temporaryFolder(), source, quantization)
    const decoder = await openDecoder(bundle.path('decoder.onnx'), bundle.manifest.state)
    const { logits } = await decoder.run([ids], decoder.start(1))
    decoder.close()
    const stored = bundle.manifest.source['stored'] as Record<string, number>
    return { logits: logits.data as Numbers, stored, vocab: decoder.vocab }
  }

  test.each([
    ['Q4_0', 'int4'],
    ['Q4_1', 'exact'],
    ['Q4_K', 'exact'],
    ['Q8_0', 'int8'],
  ])('%s blocks are kept as they are, and only what is fed is rounded', async (kind, form) => {
    const reference = await readReference('gguf/gguf-quants')
    const { logits, stored, vocab } = await run(
      `gguf/gguf-quants/gguf-quants.${kind}.gguf`,
      'keep',
      reference.ids('ids.2'),
    )
    expect(stored[form]).toBeGreaterThan(0.8 * Object.values(stored).reduce((a, b) => a + b))
    expect(divergence(logits, reference.numbers(`${kind}/logits_all.2`), vocab)).toBeLessThan(3e-3)
  })

  test.each(['Q2_K', 'Q3_K', 'Q5_0', 'Q5_1', 'Q5_K', 'Q6_K', 'IQ4_NL', 'Q4_K_M'])(
    '%s blocks become 8 bits with next to nothing lost',
    async (kind) => {
      const reference = await readReference('gguf/gguf-quants')
      const { logits, stored, vocab } = await run(
        `gguf/gguf-quants/gguf-quants.${kind}.gguf`,
        'keep',
        reference.ids('ids.2'),
      )
      expect(stored['int8']! + stored['exact']!).toBeGreaterThan(0.8 * Object.values(stored).reduce((a, b) => a + b))
      expect(divergence(logits, reference.numbers(`${kind}/logits_all.2`), vocab)).toBeLessThan(3e-3)
    },
  )

  // Random weights are the worst case: nothing in them is redundant.
  test.each([
    ['int8', 0.005],
    ['int4', 0.3],
  ] as const)('a model in float32 becomes %s with a small divergence', async (form, most) => {
    const reference = await readReference('gguf/gguf-quants')
    const { logits, stored, vocab } = await run('gguf/gguf-quants/gguf-quants.BF16.gguf', form, reference.ids('ids.2'))
    expect(stored[form]).toBeGreaterThan(0)
    expect(divergence(logits, reference.numbers('BF16/logits_all.2'), vocab)).toBeLessThan(most)
  })

  test('a head that is the embedding is on disk once', async () => {
    const folder = temporaryFolder()
    const { manifest } = await importTo(folder, 'models/qwen2', 'int8')
    const { stored } = manifest.source as { stored: Record<string, number> }
    expect(Object.values(stored).reduce((a, b) => a + b)).toBe(manifest.parameters)
    expect(existsSync(join(folder, 'decoder.onnx.data'))).toBe(true)
  })
})
