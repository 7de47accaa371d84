/** The meta-controller: its definition against plain loops, its graph, and the bundle that is made of a checkpoint. */
import { execFileSync, spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { traceController, verifyController, writeController } from '../../exporter/controller.ts'
import { VerificationError } from '../../exporter/verify.ts'
import { controllerModel } from '../../models/architectures/controller.ts'
import { ConfigError } from '../../models/config.ts'
import { countParameters } from '../../models/spec.ts'
import { loadBundle, type Manifest, writeManifest } from '../../runtime/bundle.ts'
import { FEATURE_NAMES, GATES } from '../../runtime/controller-features.ts'
import { openController, openControllerGraph } from '../../runtime/controller.ts'
import { controllerReference, exportController, loadController } from '../../trainer/export/controller.ts'
import { Random } from '../../trainer/random.ts'
import { expectClose } from '../support/all-close.ts'
import { layerNorm, plus, times } from '../support/plain-model.ts'
import { temporaryFolder } from '../support/temporary.ts'
import { randomController, saveController, tinyOptions, writeTinyController } from '../support/tiny-controller.ts'

const EMBEDDER = { name: 'tiny-embedder', bundle: 'ab'.repeat(32), width: 12 }
const model = controllerModel(tinyOptions(EMBEDDER.width, 3))
const weights = randomController(model)
const ROWS = 5
const random = new Random('controller test')
const rowsOf = (size: number): number[][] =>
  Array.from({ length: ROWS }, () => Array.from({ length: size }, () => random.uniform()))
const [query, features] = [rowsOf(EMBEDDER.width), rowsOf(FEATURE_NAMES.length)]
const CLOSE = { absolute: 1e-5, relative: 1e-4 }

/** erf by its series, which is exact for the small numbers here. */
function erf(x: number): number {
  let [term, sum] = [x, x]
  for (let n = 1; n < 60; n++) {
    term *= (-x * x) / n
    sum += term / (2 * n + 1)
  }
  return (2 / Math.sqrt(Math.PI)) * sum
}
const gelu = (x: readonly number[]): number[] => x.map((one) => (one / 2) * (1 + erf(one / Math.SQRT2)))

/** The definition in plain loops, of one row. */
function plain(
  vector: readonly number[],
  turn: readonly number[],
): Record<'gates' | 'experts' | 'uncertainty', number[]> {
  const { config } = model
  const of = (name: string): Float32Array => weights.get(name)!
  const apply = (name: string, x: readonly number[], size: number): number[] =>
    plus(times(x, of(`${name}.weight`), size), of(`${name}.bias`))
  const norm = (name: string, x: readonly number[]): number[] => layerNorm(x, of(`${name}.gain`), of(`${name}.bias`))
  let at = 0
  const groups = config.groups.flatMap((size, i) =>
    gelu(apply(`groups.${i}`, turn.slice(at, (at += size)), config.group)),
  )
  let x = apply('input', [...vector, ...apply('summary', groups, config.summary)], config.width)
  for (let i = 0; i < config.layers; i++) {
    const layer = `layers.${i}`
    x = plus(
      x,
      apply(`${layer}.output`, apply(`${layer}.value`, norm(`${layer}.attentionNorm`, x), config.width), config.width),
    )
    x = plus(
      x,
      apply(`${layer}.down`, gelu(apply(`${layer}.up`, norm(`${layer}.mlpNorm`, x), config.hidden)), config.width),
    )
  }
  const read = norm('norm', x)
  return {
    gates: apply('gates', read, 5),
    experts: apply('experts', read, 3),
    uncertainty: apply('uncertainty', read, 1),
  }
}

test('TF.js, ONNX Runtime and plain loops give the same logits', async () => {
  const expected = query.map((vector, i) => plain(vector, features[i]!))
  const flat = [Float32Array.from(query.flat()), Float32Array.from(features.flat())] as const
  const reference = await controllerReference(model, weights)
  const graph = await openControllerGraph(traceController(model, weights).bytes, {
    ...model.config,
    features: model.features,
  })
  for (const made of [await reference(ROWS, ...flat), await graph.run(ROWS, ...flat)])
    for (const name of ['gates', 'experts', 'uncertainty'] as const)
      expectClose(
        made[name],
        expected.flatMap((row) => row[name]),
        CLOSE,
      )
  graph.close()
})

test('a batch is its rows, and the verification says how exactly', async () => {
  const reference = await controllerReference(model, weights)
  const found = await verifyController(traceController(model, weights), model, reference)
  expect(found.rows).toBe(32)
  expect(Math.max(found.rowByRow, found.againstReference)).toBeLessThan(1e-5)
})

const python = process.env['MNEME_PYTHON'] ?? 'python3'
test.skipIf(spawnSync(python, ['-c', 'import onnx']).status !== 0)("ONNX's own checker accepts the graph", () => {
  const file = join(temporaryFolder(), 'controller.onnx')
  writeFileSync(file, traceController(model, weights).bytes)
  const script = 'import onnx, sys; onnx.checker.check_model(onnx.load(sys.argv[1]), full_check=True); print("ok")'
  expect(execFileSync(python, ['-c', script, file], { encoding: 'utf8' }).trim()).toBe('ok')
})

test('a checkpoint becomes a bundle without a tokenizer, whose controller gives probabilities by gate', async () => {
  const run = temporaryFolder()
  await saveController(run, { embedder: EMBEDDER, thresholds: { semantic: 0.3 } })
  const trained = (await loadController(run))!
  const out = join(temporaryFolder(), 'bundle')
  await exportController(trained, { out, name: 'gates' })
  const bundle = await loadBundle(out)
  expect(bundle.manifest).toMatchObject({
    name: 'gates',
    architecture: 'controller',
    parameters: countParameters(trained.model.params),
    controller: { gates: [...GATES], embedder: EMBEDDER, thresholds: { semantic: 0.3, episodic: 0.5 } },
  })
  expect(bundle.manifest.tokenizer).toBeUndefined()
  const controller = await openController(bundle)
  const made = await controller.control(Float32Array.from(query[0]!), Float32Array.from(features[0]!))
  const graph = await openControllerGraph(bundle.path('controller.onnx'), {
    query: 12,
    features: 34,
    gates: 5,
    experts: 4,
  })
  const logits = await graph.run(1, Float32Array.from(query[0]!), Float32Array.from(features[0]!))
  const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x))
  expect(Object.values(made.gates)).toEqual([...logits.gates].map(sigmoid))
  expect(Object.keys(made.gates)).toEqual([...GATES])
  expect(made.experts).toEqual([...logits.experts])
  controller.close()
  graph.close()
})

test('a graph that is not the definition is refused before anything is written', async () => {
  const out = join(temporaryFolder(), 'bundle')
  const entry = (await written()).manifest.controller!
  const other = await controllerReference(model, randomController(model, 2))
  const made = writeController({ model, weights, reference: other, out, name: 'x', entry, source: {} })
  await expect(made).rejects.toThrow(VerificationError)
  await expect(loadBundle(out)).rejects.toThrow(/nothing there/)
})

const written = async () =>
  loadBundle(await writeTinyController(join(temporaryFolder(), 'b'), temporaryFolder(), { embedder: EMBEDDER }))

test.each<[what: string, change: (m: Manifest) => void, message: RegExp]>([
  [
    'other features',
    (m) => void (m.controller!.features.names[0] = 'mood'),
    /controller\.features: expected version 1 with its 34 names/,
  ],
  ['a later version', (m) => void (m.controller!.features.version = 2), /got version 2/],
  ['other gates', (m) => void (m.controller!.gates[0] = 'exit'), /controller\.gates: expected early_exit, /],
])('a controller of %s is refused in a sentence', async (_, change, message) => {
  const { dir, manifest } = await written()
  const changed = structuredClone(manifest)
  changed.controller!.thresholds = {}
  change(changed)
  await writeManifest(dir, changed)
  await expect(openController(await loadBundle(dir))).rejects.toThrow(message)
})

test.each<[what: string, change: (m: Manifest) => void, message: RegExp]>([
  [
    'without its graph',
    (m) => void delete m.graphs.controller,
    /expected a decoder, an embedder, a classifier or a controller/,
  ],
  [
    'of a graph alone',
    (m) => void delete m.controller,
    /controller: expected it beside graphs\.controller, got the graph alone/,
  ],
  [
    'for wider vectors',
    (m) => void (m.controller!.embedder.width = 13),
    /graphs\.controller\.inputs: expected query float32 \[batch, 13\]/,
  ],
  [
    'with a threshold of no gate',
    (m) => void (m.controller!.thresholds['mood'] = 0.5),
    /thresholds: expected names of gates, got mood/,
  ],
])('a manifest %s is refused in a sentence', async (_, change, message) => {
  const { dir, manifest } = await written()
  const changed = structuredClone(manifest)
  change(changed)
  await expect(writeManifest(dir, changed)).rejects.toThrow(message)
})

test('options that cannot be are refused', () => {
  expect(() => controllerModel({ groups: [] })).toThrow(ConfigError)
  expect(() => controllerModel({ groups: [0] })).toThrow(ConfigError)
  expect(controllerModel({ preset: 'published', groups: [8] }).config).toMatchObject({
    width: 2048,
    layers: 6,
    summary: 128,
  })
})
