/** `mneme train hmst --stage 3`: asks a server with every combination of gates, and trains the controller on what came of it. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { ConfigError } from '../../../models/config.ts'
import { controllerModel } from '../../../models/architectures/controller.ts'
import { flatten } from '../../../models/spec.ts'
import { createTensor } from '../../../runtime/tensor.ts'
import { FEATURES_VERSION, GATES } from '../../../runtime/controller-features.ts'
import { readJson, readText, writeText } from '../../files.ts'
import type { JsonValue } from '../../data/batch.ts'
import { withServer } from '../../evaluate/served-model.ts'
import { loadCheckpoint, saveCheckpoint } from '../../run/checkpoint.ts'
import { readMetrics } from '../../run/metrics.ts'
import type { StageContext, StageEnd } from '../context.ts'
import { collectOutcomes, embedderOf, type ServedEmbedder } from '../environment/environment.ts'
import { fitLatency, type Outcomes, readOutcomes, withModelledLatency, writeOutcomes } from '../environment/outcomes.ts'
import { questionsOfUser, readWorld } from '../environment/questions.ts'
import type { Numbers } from '../run-steps.ts'
import { checkSameSettings, controllerFields, type ControllerSettings, stageSettings } from '../settings.ts'
import { compare, type Group } from './comparison.ts'
import { controllerOptions, decisionsOf, type Examples, fitPpo, type FitOptions, fitSupervised } from './fit.ts'
import { page, ppoPicture } from './page.ts'
import { turnOf, type Turn } from './turns.ts'

/** Of the training users, every so many is kept for choosing the best checkpoint. */
const VALIDATION = 5
/** Questions of a batch of supervised training and of PPO, and the width of PPO's value net. */
const [SUPERVISED_BATCH, PPO_BATCH, VALUE_WIDTH] = [64, 256, 512] as const
/** No served model of this environment leaves parameters out. */
const ACTIVE_SHARE = 1

export async function trainController(context: StageContext): Promise<StageEnd> {
  const { out, seed, resume, signal } = context
  if (context.init !== undefined)
    throw new ConfigError('--init: stage 3 trains on the outcomes of a server; --set bundle= names what is served')
  const settings = stageSettings(controllerFields, context.settings)
  const config = { name: 'hmst stage 3', stage: 3, seed, ...settings }
  if (resume) checkSameSettings(JSON.parse(await readText(join(out, 'stage.json'))) as object, config)
  else await writeText(join(out, 'stage.json'), `${JSON.stringify(config, null, 2)}\n`)
  if (!existsSync(join(out, 'environment.json')) && !(await askServer(context, settings))) return 'stopped'
  const environment = (await readJson(join(out, 'environment.json'))) as Environment
  const outcomes = await readOutcomes(join(out, 'outcomes.jsonl'))
  const turns = outcomes.map((one) => turnOf(one, ACTIVE_SHARE))
  const ofPart = (part: Turn['part']): Turn[] => turns.filter((turn) => turn.part === part)
  const training = ofPart('train')
  const examples = splitUsers(training)
  for (let number = 1; number <= settings.seeds; number++)
    if (
      (await trainSeed(context, settings, config, examples, number, environment.embedder)) === 'stopped' ||
      signal.aborted
    )
      return 'stopped'
  await report(context, settings, environment, outcomes, training, ofPart('heldout'))
  return 'done'
}

interface Environment {
  readonly subject: string
  readonly embedder: ServedEmbedder
  readonly latency: ReturnType<typeof fitLatency>
}

/** Asks what has not been asked; environment.json is written when all was. */
async function askServer(context: StageContext, settings: ControllerSettings): Promise<boolean> {
  const { out, seed, status, signal } = context
  const { bundle, questions, heldOutShare, distance, gsm8k, truthfulqa } = settings
  const world = await readWorld(gsm8k, truthfulqa)
  const users = Math.ceil(questions / questionsOfUser([gsm8k, truthfulqa].filter((file) => file !== '').length))
  const heldout = Math.max(1, Math.round(users * heldOutShare))
  const file = join(out, 'outcomes.jsonl')
  return withServer({ seed, ...(bundle === '' ? {} : { model: bundle }) }, async (client) => {
    const embedder = await embedderOf(client)
    const { model, architecture } = await client.subject()
    const options = {
      seed,
      users: { train: users - heldout, heldout },
      distance,
      world,
      embedder: embedder.name,
      signal,
    }
    if (!(await collectOutcomes(client, file, options, status))) return false
    const all = await readOutcomes(file)
    const latency = fitLatency(all)
    await writeOutcomes(file, withModelledLatency(all, latency))
    const subject = `${model.replace(/ at .*/, '')} (${architecture}), embedder ${embedder.name}`
    await writeText(join(out, 'environment.json'), `${JSON.stringify({ subject, embedder, latency }, null, 2)}\n`)
    return true
  })
}

function splitUsers(training: readonly Turn[]): Examples {
  const users = [...new Set(training.map(({ user }) => user))]
  const kept = new Set(users.filter((_, i) => i % VALIDATION === 0))
  return {
    training: training.filter(({ user }) => !kept.has(user)),
    validation: training.filter(({ user }) => kept.has(user)),
  }
}

const folderOf = (out: string, number: number, method: 'supervised' | 'ppo'): string =>
  join(out, `seed-${number}`, method)

async function trainSeed(
  { out, seed, threads, status, signal }: StageContext,
  settings: ControllerSettings,
  config: { readonly [key: string]: JsonValue },
  examples: Examples,
  number: number,
  embedder: ServedEmbedder,
): Promise<StageEnd> {
  const [supervised, ppo] = [folderOf(out, number, 'supervised'), folderOf(out, number, 'ppo')]
  const own = (folder: string): FitOptions => ({
    ...settings,
    batch: SUPERVISED_BATCH,
    valueWidth: VALUE_WIDTH,
    out: folder,
    config,
    seed: seed * 1000 + number,
    threads,
    resume: existsSync(join(folder, 'last')),
    signal,
    report: (numbers) => status.note(lineOf(`seed ${number}`, numbers)),
  })
  if ((await fitSupervised(examples, own(supervised))) === 'stopped') return 'stopped'
  const options = {
    ...own(ppo),
    batch: PPO_BATCH,
    learningRate: settings.ppoLearningRate,
    steps: Math.ceil(settings.episodes / PPO_BATCH),
  }
  if ((await fitPpo(examples, supervised, options)) === 'stopped') return 'stopped'
  await saveController(ppo, join(out, `seed-${number}`), options.seed, embedder)
  return 'done'
}

/** The controller of the best checkpoint alone, as `mneme export` reads it; its bias for experts is zero. */
async function saveController(ppo: string, folder: string, seed: number, embedder: ServedEmbedder): Promise<void> {
  const { step, model } = await loadCheckpoint(join(ppo, 'best'))
  const prefix = 'controller.'
  const options = controllerOptions(embedder.width)
  const own = new Map(
    flatten(controllerModel(options).params).map(([path, { shape }]) => [
      path,
      model[`${prefix}${path}`] ?? createTensor('float32', shape.map(Number)),
    ]),
  )
  const config = {
    name: 'controller',
    architecture: 'controller',
    seed,
    model: options,
    embedder: { ...embedder },
    features: FEATURES_VERSION,
    thresholds: Object.fromEntries(GATES.map((gate) => [gate, 0.5])),
  }
  await saveCheckpoint(folder, {
    step,
    state: { config },
    model: Object.fromEntries(own),
    optimizer: {},
    carry: {},
  })
}

async function report(
  { out, command }: StageContext,
  { seeds }: ControllerSettings,
  { subject, latency }: Environment,
  outcomes: readonly Outcomes[],
  training: readonly Turn[],
  heldOut: readonly Turn[],
): Promise<void> {
  const numbers = Array.from({ length: seeds }, (_, i) => i + 1)
  const turns = [...training, ...heldOut]
  const group = async (name: string, method: 'supervised' | 'ppo'): Promise<Group> => ({
    name: `${name}, mean of ${seeds} seeds`,
    controllers: await Promise.all(
      numbers.map((number) => decisionsOf(`${name}, seed ${number}`, folderOf(out, number, method), turns)),
    ),
  })
  const groups = [await group('controller, supervised', 'supervised'), await group('controller, PPO', 'ppo')]
  const comparison = compare(training, heldOut, groups, ACTIVE_SHARE)
  const curves = await Promise.all(numbers.map((number) => readMetrics(folderOf(out, number, 'ppo'))))
  await writeText(join(out, 'ppo.svg'), ppoPicture(curves as unknown as Readonly<Record<string, number>>[][]))
  await writeText(join(out, 'comparison.json'), `${JSON.stringify(comparison, null, 2)}\n`)
  await writeText(join(out, 'report.md'), page({ command, subject, outcomes, latency, comparison }))
}

function lineOf(name: string, { step, objective, score, reward, entropy }: Numbers): string {
  const shown = { objective, 'validation reward': score, 'sampled reward': reward, entropy }
  const parts = Object.entries(shown).flatMap(([key, value]) =>
    value === undefined ? [] : [`${key} ${value.toFixed(4)}`],
  )
  return `${name}  step ${step}  ${parts.join('  ')}`
}
