import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { decoderGraph } from '../../exporter/decoder.ts'
import { ExportError } from '../../exporter/weights.ts'
import { exportBundle, type ExportOptions } from '../../exporter/export.ts'
import { TOLERANCE, VerificationError } from '../../exporter/verify.ts'
import { define } from '../../models/architecture.ts'
import { count } from '../../models/config.ts'
import { createModel } from '../../models/registry.ts'
import { matrix, stateOf } from '../../models/spec.ts'
import { loadBundle } from '../../runtime/bundle.ts'
import { tensorFlowReference } from '../../trainer/export/reference.ts'
import { chatTokens, writeTokenizer } from '../../trainer/tokenizer/format.ts'
import { writeIdTokenizer } from '../../trainer/tokenizer/ids.ts'
import { byteTokenizer } from '../../trainer/tokenizer/train.ts'
import { configurations, familyConfigurations } from '../models/configurations.ts'
import { randomIds, randomWeights } from '../support/decoders.ts'

const folder = mkdtempSync(join(tmpdir(), 'mneme-export-'))
afterAll(() => rmSync(folder, { recursive: true }))

const python = process.env['MNEME_PYTHON'] ?? 'python3'
const hasChecker = spawnSync(python, ['-c', 'import onnx']).status === 0

describe.skipIf(!hasChecker)("ONNX's own checker", () => {
  test.each(configurations)('accepts the portable decoder of $name', ({ model }) => {
    const file = join(folder, 'portable.onnx')
    writeFileSync(file, decoderGraph(model, randomWeights(model), 'portable').bytes)
    const script =
      'import onnx, sys; m = onnx.load(sys.argv[1]); onnx.checker.check_model(m, full_check=True); print(m.ir_version)'
    expect(execFileSync(python, ['-c', script, file], { encoding: 'utf8' }).trim()).toBe('10')
  })

  test('finds memory operators as functions of our domain, with kernels only in the fused file', () => {
    const { model } = configurations.find(({ name }) => name === 'delta')!
    const script = `import onnx, sys, json; m = onnx.load(sys.argv[1])
print(json.dumps([sorted(f.domain + '.' + f.name for f in m.functions), sorted({n.domain for f in m.functions for n in f.node} - {''})]))`
    for (const [kernels, domains] of [
      ['fused', ['com.microsoft']],
      ['portable', []],
    ] as const) {
      const file = join(folder, `${kernels}.onnx`)
      writeFileSync(file, decoderGraph(model, randomWeights(model), kernels).bytes)
      const found = JSON.parse(execFileSync(python, ['-c', script, file], { encoding: 'utf8' })) as unknown
      // Their names end in the sizes of their bodies
      const names = [
        expect.stringMatching(/^mneme\.CausalConv(_\d+)*$/),
        expect.stringMatching(/^mneme\.GatedDelta(_\d+)*$/),
      ]
      expect(found).toEqual([names, domains])
    }
  })
})

test('weights that are missing, unexpected or of a wrong size are named', () => {
  const { model } = configurations[0]!
  const weights = randomWeights(model)
  const without = new Map([...weights].filter(([path]) => path !== 'embed'))
  expect(() => decoderGraph(model, without, 'fused')).toThrow(
    new ExportError('weights: missing [embed], unexpected []'),
  )
  expect(() => decoderGraph(model, new Map([...weights, ['extra', new Float32Array(1)]]), 'fused')).toThrow(
    /unexpected \[extra\]/,
  )
  expect(() => decoderGraph(model, new Map([...weights, ['embed', new Float32Array(1)]]), 'fused')).toThrow(
    /embed: expected 368 numbers, got 1/,
  )
})

/** A model whose memory magnifies every difference by 1.02 a token. */
const growing = define({
  name: 'growing',
  about: 'a memory that stretches and folds',
  fields: { vocab: count(256, ''), width: count(1, '') },
  check: () => {},
  params: ({ vocab }) => ({ embed: matrix([vocab, 1], 0.1), head: matrix([1, vocab]) }),
  state: () => ({ sum: stateOf(1), memory: stateOf(1) }),
  forward(op, _, params, ids, state) {
    const sums = op.add(op.cumsum(op.gather(params.embed, ids), 1), op.reshape(state.sum, [0, 1, 1])) // (B, T, 1)
    const done = op.scan(
      ([memory], [x]) => {
        const stretched = op.add(op.mul(memory!, op.constant(1.02)), x!)
        const folded = op.sub(stretched, op.round(stretched))
        return { carry: [folded], y: [folded] }
      },
      [state.memory],
      [sums],
      1,
    )
    return { hidden: done.ys[0]!, state: { sum: op.reshape(op.slice(sums, 1, -1), [0, 1]), memory: done.carry[0]! } }
  },
  logits: (op, _, params, hidden) => op.matmul(hidden, params.head),
})

describe('a bundle', () => {
  const model = createModel('delta', {
    vocab: 260,
    width: 16,
    heads: 2,
    hidden: 24,
    window: 6,
    memoryHeads: 2,
    keys: 8,
    values: 4,
    layers: 'ad',
  })
  const weights = randomWeights(model)
  const options = async (name: string): Promise<ExportOptions> => {
    const tokenizer = join(folder, 'tokenizer')
    await writeTokenizer(tokenizer, byteTokenizer(chatTokens))
    return {
      model,
      weights,
      kernels: 'fused',
      tokenizer,
      out: join(folder, name),
      name,
      reference: await tensorFlowReference(model, weights),
      ids: randomIds(260, 40, 1),
      length: 150,
      generation: {},
      source: { recipe: 'test' },
    }
  }

  test('is written whole, loads, and says what its verification measured', async () => {
    await exportBundle(await options('good'))
    const { manifest } = await loadBundle(join(folder, 'good'))
    const found = manifest.verification as {
      tokens: number
      againstReference: { relative: number }
      twoRows: { absolute: number }
    }
    expect(found.tokens).toBe(40)
    expect(found.againstReference.relative).toBeLessThan(TOLERANCE)
    expect(found.twoRows.absolute).toBe(0)
    expect(manifest.state.map(({ name }) => name)).toContain('blocks.1.delta.memory')
  })

  test('is refused, and nothing is written, when it does not compute what the trainer computes', async () => {
    const o = await options('wrong')
    const lying = {
      name: 'a reference with other weights',
      logits: (await tensorFlowReference(model, randomWeights(model, 8))).logits,
    }
    await expect(exportBundle({ ...o, reference: lying })).rejects.toThrow(VerificationError)
    expect(() => readFileSync(join(o.out, 'manifest.json'))).toThrow(/ENOENT/)
  })

  test('is refused when rounding grows from token to token, as far as it is looked at', async () => {
    const restless = growing.model({ vocab: 260, width: 1 })
    const weights = randomWeights(restless)
    const reference = await tensorFlowReference(restless, weights)
    const o = { ...(await options('growing')), model: restless, weights, reference }
    await exportBundle({ ...o, length: 80 })
    await expect(exportBundle({ ...o, length: 1000 })).rejects.toThrow(
      /inPieces: within 1000 tokens, the logits of a session come to depend on how its tokens are fed/,
    )
  })

  test('never replaces a folder that holds something else', async () => {
    const o = await options('tokenizer')
    await expect(exportBundle(o)).rejects.toThrow(/expected a bundle or an empty folder/)
    expect(readFileSync(join(o.out, 'tokenizer.json')).length).toBeGreaterThan(0)
  })

  test.each([false, true])('is refused in a sentence when a weight is missing (compact: %s)', async (compact) => {
    const o = await options('missing')
    const weights = new Map([...o.weights].filter(([path]) => path !== 'embed'))
    await expect(exportBundle({ ...o, weights, compact })).rejects.toThrow('weights: missing [embed], unexpected []')
  })

  test('is refused when the tokenizer has more tokens than the model', async () => {
    const small = createModel('delta', { ...model.config, vocab: 200 })
    const o = { ...(await options('small')), model: small, weights: randomWeights(small) }
    await expect(exportBundle(o)).rejects.toThrow('vocabulary: the tokenizer has 260 tokens, the model 200')
  })

  test.each(['float16', 'int8'] as const)(
    'with keys and values in %s is verified with float32 ones, and says what they cost',
    async (kv) => {
      const { model: llama } = familyConfigurations.find(({ name }) => name === 'llama')!
      const own = randomWeights(llama)
      const tokenizer = join(folder, `ids-${kv}`)
      await writeIdTokenizer(tokenizer, llama.vocab)
      const reference = await tensorFlowReference(llama, own)
      const o = { ...(await options(kv)), model: llama, weights: own, tokenizer, reference, kv }
      const ids = randomIds(llama.vocab, 40, 1)
      const { verification, kvCost } = await exportBundle({ ...o, ids })
      expect(verification.againstReference.relative).toBeLessThan(TOLERANCE)
      expect(kvCost).toMatchObject({ dtype: kv, tokens: 19 })
      expect(kvCost!.divergence).toBeGreaterThan(0)
      expect(kvCost!.divergence).toBeLessThan(1e-2)
      const { manifest } = await loadBundle(join(folder, kv))
      expect(manifest.verification).toEqual({ ...verification, kv: kvCost })
      expect(new Set(manifest.state.map(({ dtype }) => dtype))).toEqual(new Set([kv]))
      await expect(exportBundle({ ...o, ids: ids.slice(0, 3) })).rejects.toThrow(
        '--kv: expected at least 4 tokens of text, got 3',
      )
    },
  )

  test('is refused with keys and values in few bits where the model keeps none of all tokens', async () => {
    const o = { ...(await options('delta-int8')), kv: 'int8' } as const
    await expect(exportBundle(o)).rejects.toThrow(
      '--kv: expected float32 for delta, which keeps no keys and values of all tokens (its state has a fixed size), got int8',
    )
    expect(existsSync(o.out)).toBe(false)
  })
})
