/** The decoder cut after a layer: early and late stage together are the whole one. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { decoderGraph } from '../../exporter/decoder.ts'
import { exportBundle } from '../../exporter/export.ts'
import { checkStages } from '../../exporter/stages-check.ts'
import { cutDecoder } from '../../exporter/stages.ts'
import type { Model } from '../../models/architecture.ts'
import { createModel } from '../../models/registry.ts'
import { flatten, grows } from '../../models/spec.ts'
import { loadBundle } from '../../runtime/bundle.ts'
import { openModel } from '../../server/engine/open-model.ts'
import { tensorFlowReference } from '../../trainer/export/reference.ts'
import { chatTokens, writeTokenizer } from '../../trainer/tokenizer/format.ts'
import { byteTokenizer } from '../../trainer/tokenizer/train.ts'
import { configurations, familyConfigurations } from '../models/configurations.ts'
import { randomIds, randomWeights } from '../support/decoders.ts'

const withExit = ({ architecture, config }: Model): Model =>
  createModel(architecture, { ...config, exits: { layers: [1] } })

/** The layers of these run one by one; those of the others run in a loop over chunks. */
const inLoops = ['rsm', 'nmt', 'delta with slots and a learning network']
const names = ['vanilla', 'delta', 'moc', 'hmst', 'smt that slides', 'adapter']
const cut = [
  ...configurations.filter(({ name }) => names.includes(name)),
  ...familyConfigurations.filter(({ name }) => ['llama', 'mamba2', 'lfm2'].includes(name)),
]

describe.each(cut)('$name', ({ model: base }) => {
  const model = withExit(base)
  const weights = randomWeights(model)
  const stages = cutDecoder(model, 0, weights, 'fused')!
  const ids = randomIds(model.vocab, 13, 1)
  const isPortable = flatten(model.state).every(([, spec]) => !grows(spec))

  test('has the same logits in two stages as whole, to the bit where no kernel adds and norms at once', async () => {
    const fused = await checkStages(decoderGraph(model, weights, 'fused'), stages, ids)
    expect(fused.staged.relative).toBeLessThan(1e-6)
    if (!isPortable) return expect(fused.staged.absolute).toBe(0)
    const plain = cutDecoder(model, 0, weights, 'portable')!
    const { staged, agreement } = await checkStages(decoderGraph(model, weights, 'portable'), plain, ids)
    expect(staged).toEqual({ absolute: 0, relative: 0 })
    expect(agreement).toBe(fused.agreement)
  })

  test('splits its state: each entry is written by one stage, and neither reads the weights of the other', () => {
    const whole = decoderGraph(model, weights, 'fused')
    const [early, late] = [stages.early, stages.late].map(({ state }) => state.map(({ name }) => name))
    expect([...early!, ...late!].toSorted()).toEqual(whole.state.map(({ name }) => name).toSorted())
    expect(early!.filter((name) => /(^|\.)1\./.test(name))).toEqual([])
    expect(late!.length).toBeGreaterThan(0)
    expect(stages.early.bytes.length).toBeLessThan(whole.bytes.length)
    expect(stages.late.bytes.length).toBeLessThan(whole.bytes.length)
  })
})

test.each(configurations.filter(({ name }) => inLoops.includes(name)))(
  '$name, whose layers run in a loop over chunks, is not cut',
  ({ model: base }) => {
    const model = withExit(base)
    expect(cutDecoder(model, 0, randomWeights(model), 'fused')).toBeUndefined()
  },
)

test('an exported model with an exit has its early stage in the bundle, and the server opens it and says what it costs', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'mneme-stages-'))
  const options = { vocab: 264, width: 32, heads: 2, hidden: 48, layers: 4, window: 24, exits: { layers: [3, 2] } }
  const model = createModel('vanilla', options)
  const weights = randomWeights(model)
  await writeTokenizer(join(folder, 'tokenizer'), byteTokenizer(chatTokens))
  const given = {
    model,
    weights,
    kernels: 'fused',
    tokenizer: join(folder, 'tokenizer'),
    name: 'exits',
    reference: await tensorFlowReference(model, weights),
    ids: randomIds(260, 40, 1),
    length: 64,
    generation: {},
    source: {},
  } as const
  const { stage } = await exportBundle({ ...given, out: join(folder, 'bundle') })
  const { manifest } = await loadBundle(join(folder, 'bundle'))
  expect(manifest.early).toMatchObject({ after: 2, agreement: stage!.agreement })
  expect(manifest.early!.state.filter((name) => /blocks\.[23]/.test(name))).toEqual([])
  expect(manifest.early!.state.length).toBeGreaterThan(0)
  const opened = { bundle: join(folder, 'bundle'), threads: 1, rows: 2, residentBytes: 0, device: 'cpu' } as const
  const { runner, runtime } = await openModel(opened)
  expect(runner.exit).toMatchObject({ after: 2, agreement: stage!.agreement })
  expect(runtime).toMatch(/early exit after layer 2 (drafts|is off unless asked for) \(measured: a draft costs \d/)
  runner.close()
  const { manifest: later } = await exportBundle({ ...given, out: join(folder, 'later'), exit: 3 })
  expect(later.early).toMatchObject({ after: 3 })
  expect(later.early!.state.some((name) => name.includes('blocks.2'))).toBe(true)
  const refused = exportBundle({ ...given, out: join(folder, 'none'), exit: 1 })
  await expect(refused).rejects.toThrow('--exit: expected one that the model was trained with (2, 3), got 1')
  rmSync(folder, { recursive: true })
})
