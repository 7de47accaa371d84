/** The decoder cut after a layer: early and late stage together are the whole one. */
import { describe, expect, test } from 'vitest'
import { decoderGraph } from '../../exporter/decoder.ts'
import { checkStages } from '../../exporter/stages-check.ts'
import { cutDecoder } from '../../exporter/stages.ts'
import type { Model } from '../../models/architecture.ts'
import { createModel } from '../../models/registry.ts'
import { flatten, grows } from '../../models/spec.ts'
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
