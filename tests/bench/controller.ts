/**
 * What a turn pays for its gates: asking the controller through its thread, and reading the message for the features.
 * `npx tsx tests/bench/controller.ts [ROUNDS]` prints milliseconds for a small controller and one of the published size,
 * both of random weights, for the bundled embedder.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { controllerModel } from '../../models/architectures/controller.ts'
import { countParameters } from '../../models/spec.ts'
import { loadBundle } from '../../runtime/bundle.ts'
import { FEATURE_GROUPS, FEATURE_NAMES, FEATURES_VERSION } from '../../runtime/controller-features.ts'
import { DEFAULT_EMBEDDER } from '../../server/cli.ts'
import { startEmbedderThread } from '../../server/embedding/embedders.ts'
import { createLog } from '../../server/log.ts'
import { toldBy } from '../../server/memory/facts/told-by.ts'
import { sibling } from '../../server/thread.ts'
import { initialise } from '../../trainer/backends/initialise.ts'
import { exportController, type ControllerRun } from '../../trainer/export/controller.ts'

const rounds = Number(process.argv[2] ?? 2000)
const { id, manifest } = await loadBundle(DEFAULT_EMBEDDER)
const embedder = { name: manifest.name, bundle: id, width: manifest.embedder!.width }
const folder = mkdtempSync(join(tmpdir(), 'mneme-controller-'))
const signal = new AbortController().signal
const MESSAGE = 'Hi! I moved to Lisbon last month with my sister Joanna. Can you help me find a school for her?'

function shown(times: number[]): string {
  const sorted = times.toSorted((a, b) => a - b)
  const at = (share: number): string => sorted[Math.floor(share * (sorted.length - 1))]!.toFixed(3)
  return `median ${at(0.5)} ms, p99 ${at(0.99)} ms, of ${sorted.length}`
}

async function timed(run: () => unknown, count: number): Promise<number[]> {
  for (let i = 0; i < count / 10; i++) await run()
  const times: number[] = []
  for (let i = 0; i < count; i++) {
    const began = performance.now()
    await run()
    times.push(performance.now() - began)
  }
  return times
}

for (const preset of ['small', 'published'] as const) {
  const options = { preset, query: embedder.width, groups: [...FEATURE_GROUPS], experts: 4 }
  const model = controllerModel(options)
  const run: ControllerRun = {
    name: preset,
    architecture: 'controller',
    seed: 1,
    model: options,
    embedder,
    features: FEATURES_VERSION,
  }
  const out = join(folder, preset)
  await exportController({ model, weights: initialise(model.params, 1), run, step: 0 }, { out, name: preset })
  const thread = startEmbedderThread(sibling('../../server/embedding/worker', import.meta.url), createLog('warn'))
  const { control } = await thread.openController(out)
  const [query, features] = [
    new Float32Array(embedder.width).fill(0.1),
    new Float32Array(FEATURE_NAMES.length).fill(0.5),
  ]
  const times = await timed(() => control(query, features, signal), preset === 'small' ? rounds : rounds / 10)
  console.log(`${preset}, ${countParameters(model.params)} parameters: ${shown(times)}`)
  await thread.close()
}
console.log(`what a message tells, ${MESSAGE.length} characters: ${shown(await timed(() => toldBy(MESSAGE), rounds))}`)
rmSync(folder, { recursive: true })
