/** The command `mneme train`. */
import { existsSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { type AddHelpTextContext, Command, InvalidArgumentError, Option } from 'commander'
import { ConfigError } from '../../models/config.ts'
import { withoutVocabulary } from '../../models/registry.ts'
import { neverMoved, type TargetDevice } from '../backends/backend.ts'
import { DataError } from '../data/batch.ts'
import { isHubName } from '../data/hub/name.ts'
import { FileError, writeText } from '../files.ts'
import { withLocalModel } from '../import/hub-model.ts'
import { recipeText, readRecipe, withAbsolutePaths } from '../recipes/recipe-file.ts'
import { defineRecipe } from '../recipes/define.ts'
import type { Recipe } from '../recipes/recipe.ts'
import { recipes } from '../recipes/registry.ts'
import { settingsHelp } from '../recipes/settings-help.ts'
import { changedRecipe, checkContinued, knownRecipe } from '../recipes/settings.ts'
import { loadCheckpoint } from '../run/checkpoint.ts'
import { lockRun } from '../run/lock.ts'
import { planText } from '../run/plan.ts'
import { prepare } from '../run/prepare.ts'
import { createProgress } from '../run/progress.ts'
import { writeReport } from '../run/report.ts'
import { createEventFile } from '../run/tensorboard.ts'
import type { Metric } from '../run/metrics.ts'
import { train } from '../run/train.ts'
import { neverMovedNotes } from '../run/unreached.ts'
import { endOnSignals, exitCodeOf, stopOnSignals } from '../signals.ts'
import { trainStage } from '../stages/stage.ts'
import { createStatusLine } from '../status-line.ts'
import { commandLine } from './command-line.ts'
import { path, paths, share, wholeNumber } from './parse.ts'
import { type RowFlags, withRowOptions } from './row-options.ts'

interface TrainFlags extends RowFlags {
  readonly data?: string[]
  readonly mode?: 'pretrain' | 'instruct'
  readonly heldOut?: string[]
  readonly heldOutSplit?: string
  readonly heldOutShare?: number
  readonly evaluateEvery?: number | 'epoch'
  readonly steps?: number
  readonly out?: string
  readonly device: readonly TargetDevice[]
  readonly backend: 'compiled' | 'tfjs'
  readonly seed?: number
  readonly threads: number
  readonly set: string[]
  readonly recipe?: string
  readonly init?: string
  readonly resume?: true
  readonly list?: true
  readonly printRecipe?: true
  readonly dryRun?: true
  readonly stage?: Stage
  readonly questions?: number
}

/** `mneme train RECIPE`. */
export function trainCommand(): Command {
  const command = new Command('train')
    .description('train a model; writes checkpoints, metrics.jsonl, curves.svg and report.md')
    .argument('[recipe]', 'what to train; --list shows them, RECIPE --help its settings; not needed with --resume')
    .option(
      '--data <files...>',
      'text, rows (.jsonl, .json, .csv, .tsv), gzip of those, folders, token shards, or hub:OWNER/NAME[@REVISION][:CONFIG]',
      paths,
    )
  return withRowOptions(command)
    .addOption(
      new Option('--mode <mode>', 'learn every token, or only replies (default: pretrain)').choices([
        'pretrain',
        'instruct',
      ]),
    )
    .option('--held-out <files...>', 'text to measure on; without it a share of --data is held out', paths)
    .option('--held-out-split <name>', "split of a hub's data set to measure on")
    .option('--held-out-share <share>', 'share of --data to measure on (default: 0.1)', share)
    .option('--evaluate-every <steps>', 'updates between measurements, or epoch', evaluations)
    .option('--steps <n>', 'updates of the parameters', wholeNumber(1))
    .option('--out <dir>', 'folder of the run (default: runs/RECIPE)', path)
    .addOption(
      new Option(
        '--device <devices>',
        'where the compiled step runs: cpu, webgpu or cuda; several, as in cuda:0,cuda:1, share each batch',
      )
        .argParser(targetDevices)
        .default(targetDevices('cpu'), 'cpu'),
    )
    .addOption(
      new Option('--backend <backend>', 'what computes steps').choices(['compiled', 'tfjs']).default('compiled'),
    )
    .option('--seed <n>', 'seed of parameters, data and dropout', wholeNumber())
    .option('--threads <n>', 'threads of the compiled step, 1 to 256', wholeNumber(1, 256), availableParallelism())
    .option(
      '--set <key=value>',
      'change a setting of the recipe, e.g. model.width=256 (repeatable)',
      (v, all: string[]) => [...all, v],
      [],
    )
    .option('--stage <n>', 'of hmst: 1 the base, 2 what memories are found by, 3 the controller of gates', stageNumber)
    .option('--questions <n>', 'stage 3: questions that are asked', wholeNumber(1))
    .option('--recipe <file>', 'read the recipe from a file, as --print-recipe writes it and every run has it', path)
    .option(
      '--init <path>',
      'start from a checkpoint, a run, or a safetensors file, where its parameters fit; or from a published model: a folder, a .gguf file, hf:OWNER/NAME[@REVISION][:FILE]',
      path,
    )
    .option('--resume', 'continue the run in --out from its last checkpoint')
    .option('--list', 'list the recipes')
    .option('--dry-run', 'print parameters, state, memory and compile time of the run, and train nothing')
    .option('--print-recipe', 'print the recipe with all settings as JSON, and train nothing')
    .addHelpText('after', help)
    .action((name: string | undefined, flags: TrainFlags, command: Command) => runCommand(name, flags, command))
}

/** Settings with the values of the recipe that is named beside --help. */
function help({ command }: AddHelpTextContext): string {
  return settingsHelp(command.args.map((arg) => recipes.get(arg)).find((recipe) => recipe !== undefined))
}

async function runCommand(name: string | undefined, flags: TrainFlags, command: Command): Promise<void> {
  if (flags.list) return listRecipes()
  if (flags.stage !== undefined && name !== 'hmst')
    throw new ConfigError(`--stage: expected the recipe hmst, which has stages, got ${name ?? 'none'}`)
  if (flags.questions !== undefined && flags.stage !== 3)
    throw new ConfigError('--questions: expected --stage 3, which asks questions')
  if (flags.stage === 2 || flags.stage === 3) return runStage(flags.stage, flags, command)
  if (name === undefined && flags.recipe === undefined && !flags.resume)
    return command.error(`expected a recipe (${[...recipes.keys()].join(', ')}), --recipe FILE, or --resume`, {
      exitCode: 2,
    })
  if (name !== undefined && flags.recipe !== undefined)
    throw new ConfigError(`train: expected either a recipe's name or --recipe FILE, got both`)
  if (flags.resume) return continueRun(name, flags)
  const base = flags.recipe === undefined ? knownRecipe(name!) : await readRecipe(flags.recipe)
  if (flags.data && base.data.kind !== 'text' && !flags.set.some((setting) => setting.startsWith('data.kind=')))
    throw new ConfigError(`--data: ${base.name} makes its own data; leave --data out`)
  const asked = withAbsolutePaths(changedRecipe(base, settingsOf(flags)))
  if (flags.printRecipe) return void process.stdout.write(recipeText(asked))
  const recipe = await withLocalModel(asked, (line) => void process.stderr.write(`${line}\n`))
  checkStart(recipe)
  if (flags.dryRun) return printPlan(recipe, flags)
  await trainIn(flags.out ?? join('runs', recipe.name), recipe, flags)
}

/** Stages 2 and 3 are no recipes: they have settings of their own, and these options. */
const stageOptions = new Set(['stage', 'questions', 'init', 'out', 'seed', 'steps', 'threads', 'set', 'resume'])

async function runStage(stage: Exclude<Stage, 1>, flags: TrainFlags, command: Command): Promise<void> {
  const given = Object.keys(flags).filter((option) => command.getOptionValueSource(option) === 'cli')
  const foreign = given.find((option) => !stageOptions.has(option))
  if (foreign !== undefined)
    throw new ConfigError(
      `--stage ${stage}: expected some of ${[...stageOptions].join(', ')} beside it, got ${foreign}`,
    )
  const { out = join('runs', `hmst-stage-${stage}`), init, seed = 1, threads, steps, questions, set } = flags
  const settings = [
    ...(steps === undefined ? [] : [`steps=${steps}`]),
    ...(questions === undefined ? [] : [`questions=${questions}`]),
    ...set,
  ]
  const release = await lockRun(out)
  const status = createStatusLine()
  const stopping = stopOnSignals()
  const context = { out, init, settings, seed, threads, status, command: commandLine(), signal: stopping.signal }
  try {
    const end = await trainStage(stage, { ...context, resume: flags.resume === true })
    process.stdout.write(end === 'done' ? `done; report ${join(out, 'report.md')}\n` : 'stopped; --resume goes on\n')
  } finally {
    status.end()
    await release()
  }
  const signal = stopping.received()
  if (signal) process.exitCode = exitCodeOf(signal)
}

async function printPlan(recipe: Recipe, { device, threads }: TrainFlags): Promise<void> {
  endOnSignals()
  const status = createStatusLine()
  const plan = await planText(recipe, { devices: device, threads, progress: status.report })
  status.end()
  process.stdout.write(plan)
}

/** Throws FileError where weights to start from are not there: before the step is compiled, which may take minutes. */
function checkStart({ start }: Recipe): void {
  const missing = Object.values(start).find((file) => file !== '' && !existsSync(file))
  if (missing !== undefined) throw new FileError(`${missing}: cannot be read: there is no such file or folder`)
}

function listRecipes(): void {
  for (const { name, about } of recipes.values()) process.stdout.write(`${name.padEnd(16)} ${about}\n`)
}

/** Continues a run with its own recipe, and what the flags change of it. */
async function continueRun(name: string | undefined, flags: TrainFlags): Promise<void> {
  if (flags.out === undefined && name === undefined)
    throw new ConfigError('resume: expected --out with the folder of the run')
  if (flags.recipe !== undefined)
    throw new ConfigError('resume: a run goes on with its own recipe; change settings with --set, or start another run')
  const out = flags.out ?? join('runs', name!)
  if (!existsSync(join(out, 'last')))
    throw new DataError(`${out}: expected a run to continue, found no checkpoint in it; leave --resume out to begin it`)
  const { config } = (await loadCheckpoint(join(out, 'last'))).state
  const saved = recipeOfRun(config as unknown as Recipe)
  if (name !== undefined && name !== saved.name)
    throw new ConfigError(`resume: ${out} is a run of ${saved.name}, asked for ${name}`)
  const recipe = withAbsolutePaths(changedRecipe(saved, settingsOf(flags)))
  checkContinued(saved, recipe)
  checkData(recipe)
  if (flags.printRecipe) process.stdout.write(recipeText(recipe))
  else if (flags.dryRun) await printPlan(recipe, flags)
  else await trainIn(out, recipe, flags)
}

/** The recipe that a checkpoint has, without the vocabulary among the model's options: it comes from the tokenizer. */
function recipeOfRun(config: Recipe): Recipe {
  return defineRecipe({ ...config, model: withoutVocabulary(config.architecture, config.model) })
}

/** Throws DataError where the files of the run are not where they were. */
function checkData({ data }: Recipe): void {
  const gone = data.kind === 'text' ? data.files.find((file) => !isHubName(file) && !existsSync(file)) : undefined
  if (gone !== undefined)
    throw new DataError(`${gone}: the data of the run is not there any more; give --data with where it is now`)
}

/** What the flags say, as settings of the recipe; --set goes over them. */
function settingsOf(flags: TrainFlags): string[] {
  const given: [path: string, value: unknown][] = [
    ['data.files', flags.data],
    ['data.split', flags.split],
    ['data.textField', flags.textField],
    ['data.messagesField', flags.messagesField],
    ['data.promptField', flags.promptField],
    ['data.completionField', flags.completionField],
    ['data.heldOut', flags.heldOut],
    ['data.heldOutSplit', flags.heldOutSplit],
    ['data.heldOutShare', flags.heldOutShare],
    ['mode', flags.mode],
    ['evaluateEvery', flags.evaluateEvery],
    ['schedule.steps', flags.steps],
    ['seed', flags.seed],
    ['start.checkpoint', flags.init],
  ]
  const settings = given.flatMap(([path, value]) => (value === undefined ? [] : [`${path}=${JSON.stringify(value)}`]))
  return [...settings, ...flags.set]
}

/** Trains while no other process may in the same folder. */
async function trainIn(out: string, recipe: Recipe, flags: TrainFlags): Promise<void> {
  const release = await lockRun(out)
  try {
    await trainLocked(recipe, out, flags)
  } finally {
    await release()
  }
}

async function trainLocked(recipe: Recipe, out: string, flags: TrainFlags): Promise<void> {
  const ending = endOnSignals() // nothing is to be saved before the first step
  const status = createStatusLine()
  const progress = createProgress(recipe.schedule.steps)
  const events = createEventFile(join(out, 'tensorboard'))
  const resume = flags.resume === true
  const prepared = await prepare(recipe, {
    out,
    resume,
    backend: flags.backend,
    devices: flags.device,
    threads: flags.threads,
    report(metric: Metric) {
      events.write(metric)
      progress.report(metric)
    },
    progress: status.report,
  })
  const { run, backend, parameters, notes } = prepared
  ending.stop()
  const stopping = stopOnSignals()
  if (!resume) await writeText(join(out, 'recipe.json'), recipeText(recipe))
  status.note(`${recipe.name}: ${parameters} parameters; ${backend.description}; ${run.data.description}`)
  notes.forEach(status.note)
  const outcome = await train({ ...run, signal: stopping.signal }, resume).finally(progress.stop)
  const peakBytes = 1024 * process.resourceUsage().maxRSS
  const leftOut = run.data.leftOut?.()
  const after = [...(leftOut ? [leftOut] : []), ...neverMovedNotes(neverMoved(backend.read()))]
  after.forEach(status.note)
  const { name, about } = recipe
  const report = await writeReport(out, {
    name,
    about,
    parameters,
    backend: backend.description,
    data: run.data.description,
    notes: [...notes, ...after],
    recipe,
    command: commandLine(),
    outcome,
    peakBytes,
  })
  backend.close()
  process.stdout.write(
    `${outcome.reason} after ${outcome.step} steps; checkpoint ${join(out, 'last')}, report ${report}\n`,
  )
  const signal = stopping.received()
  if (signal && outcome.reason === 'stopped') process.exitCode = exitCodeOf(signal)
}

type Stage = 1 | 2 | 3

function stageNumber(text: string): Stage {
  return wholeNumber(1, 3)(text) as Stage
}

/** `cuda:0,cuda:1`: the devices that share a batch. */
function targetDevices(text: string): TargetDevice[] {
  return text.split(',').map((place) => {
    const [, device, id = '0'] = /^(cpu|webgpu|cuda)(?::(\d+))?$/.exec(place) ?? []
    if (device === undefined || (device !== 'cuda' && id !== '0'))
      throw new InvalidArgumentError('Expected cpu, webgpu, cuda or cuda:N, or several with commas between.')
    return { device: device as TargetDevice['device'], id: Number(id) }
  })
}

function evaluations(text: string): number | 'epoch' {
  return text === 'epoch' ? text : wholeNumber(1)(text)
}
