/** The commands `mneme train`, `mneme export` and `mneme eval`. */
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { Command, InvalidArgumentError, Option } from 'commander'
import type { Options } from '../models/config.ts'
import type { Manifest } from '../runtime/bundle.ts'
import { exportBundle } from '../exporter/export.ts'
import type { Kernels } from '../exporter/kernels.ts'
import { verificationText } from '../exporter/verify.ts'
import type { TargetDevice } from './backends/backend.ts'
import { loadCheckpoint } from './run/checkpoint.ts'
import { evalCommand } from './evaluate/cli.ts'
import { tensorFlowReference } from './export/reference.ts'
import { prepare } from './run/prepare.ts'
import { createProgress } from './run/progress.ts'
import type { Recipe } from './recipes/recipe.ts'
import { recipes } from './recipes/registry.ts'
import { writeReport } from './run/report.ts'
import { lockRun } from './run/lock.ts'
import { checkContinued, modelOption, recipeWith } from './recipes/settings.ts'
import { settingsHelp } from './recipes/settings-help.ts'
import { train } from './run/train.ts'
import { verificationIds } from './export/verification-text.ts'
import { loadTrained, type Trained } from './export/weights.ts'
import { wholeNumber } from './commands/parse.ts'

export { evalCommand }

interface TrainFlags {
  readonly data?: string[]
  readonly split?: string
  readonly textField?: string
  readonly messagesField?: string
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
  readonly init?: string
  readonly resume?: true
  readonly list?: true
}

/** `mneme train RECIPE`. */
export function trainCommand(): Command {
  return new Command('train')
    .description('train a model; writes checkpoints, metrics.jsonl, curves.svg and report.md')
    .argument('[recipe]', 'what to train; --list shows them')
    .option(
      '--data <files...>',
      'text files, folders, .jsonl files, token shards, or hub:OWNER/NAME[@REVISION][:CONFIG]',
    )
    .option('--split <name>', "split of a hub's data set to train on (default: train)")
    .option('--text-field <name>', 'where rows of JSONL and parquet have their text (default: text)')
    .option('--messages-field <name>', 'where they have their messages (default: messages)')
    .addOption(
      new Option('--mode <mode>', 'learn every token, or only replies (default: pretrain)').choices([
        'pretrain',
        'instruct',
      ]),
    )
    .option('--held-out <files...>', 'text to measure on; without it a share of --data is held out')
    .option('--held-out-split <name>', "split of a hub's data set to measure on")
    .option('--held-out-share <share>', 'share of --data to measure on (default: 0.1)', share)
    .option('--evaluate-every <steps>', 'updates between measurements, or epoch', evaluations)
    .option('--steps <n>', 'updates of the parameters', wholeNumber())
    .option('--out <dir>', 'folder of the run (default: runs/RECIPE)')
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
    .option('--init <path>', 'start from a checkpoint, a run, or a safetensors file, where its parameters fit')
    .option('--resume', 'continue the run in --out from its last checkpoint')
    .option('--list', 'list the recipes')
    .addHelpText('after', settingsHelp)
    .action((name: string | undefined, flags: TrainFlags, command: Command) => {
      if (flags.list) return listRecipes()
      if (name === undefined)
        return command.error(`train: expected a recipe (${[...recipes.keys()].join(', ')})`, { exitCode: 2 })
      return runTraining(name, flags)
    })
}

function listRecipes(): void {
  for (const { name, about } of recipes.values()) process.stdout.write(`${name.padEnd(16)} ${about}\n`)
}

/** Trains while no other process may in the same folder. */
async function runTraining(name: string, flags: TrainFlags): Promise<void> {
  const out = flags.out ?? join('runs', name)
  const recipe = recipeWith(name, [...settingsOf(flags), ...flags.set])
  const release = await lockRun(out)
  try {
    await trainLocked(recipe, out, flags)
  } finally {
    await release()
  }
}

/** What flags say, as settings of the recipe. */
function settingsOf(flags: TrainFlags): string[] {
  const given: [path: string, value: unknown][] = [
    ['data.files', flags.data],
    ['data.split', flags.split],
    ['data.textField', flags.textField],
    ['data.messagesField', flags.messagesField],
    ['data.heldOut', flags.heldOut],
    ['data.heldOutSplit', flags.heldOutSplit],
    ['data.heldOutShare', flags.heldOutShare],
    ['mode', flags.mode],
    ['evaluateEvery', flags.evaluateEvery],
    ['schedule.steps', flags.steps],
    ['seed', flags.seed],
    ['start.checkpoint', flags.init],
  ]
  return given.flatMap(([path, value]) => (value === undefined ? [] : [`${path}=${JSON.stringify(value)}`]))
}

async function trainLocked(recipe: Recipe, out: string, flags: TrainFlags): Promise<void> {
  const { name } = recipe
  const stopping = new AbortController()
  const stop = (): void => stopping.abort()
  process.once('SIGINT', stop).once('SIGTERM', stop)
  const progress = createProgress(recipe.schedule.steps)
  const { backend, device, threads } = flags
  const resume = flags.resume === true
  const prepared = await prepare(recipe, {
    out,
    resume,
    backend,
    devices: device,
    threads,
    report: progress.report,
    signal: stopping.signal,
  })
  if (resume) checkContinued((await loadCheckpoint(join(out, 'last'))).state['config'], prepared.run.config)
  process.stderr.write(
    `${name}: ${prepared.parameters} parameters; ${prepared.backend.description}; ${prepared.run.data.description}\n`,
  )
  for (const note of prepared.notes) process.stderr.write(`${note}\n`)
  const outcome = await train(prepared.run, resume).finally(progress.stop)
  const report = await writeReport(out, {
    name,
    about: recipe.about,
    parameters: prepared.parameters,
    backend: prepared.backend.description,
    data: prepared.run.data.description,
    outcome,
  })
  prepared.backend.close()
  process.stdout.write(
    `${outcome.reason} after ${outcome.step} steps; checkpoint ${join(out, 'last')}, report ${report}\n`,
  )
}

/** `mneme export CHECKPOINT --out BUNDLE`. */
export function exportCommand(): Command {
  return new Command('export')
    .description('make a bundle of a checkpoint: traced, verified against the trainer, then written')
    .argument('<checkpoint>', 'a checkpoint folder, or a run (its last checkpoint)')
    .requiredOption('--out <bundle>', 'folder of the bundle')
    .option('--name <name>', "the model's name (default: the recipe's)")
    .option('--portable', 'plain ONNX operators instead of fused kernels')
    .option('--compact', 'a smaller file: keys and values of memory banks are made when it is loaded')
    .option('--text <file>', 'text to verify on (default: the training data)')
    .option('--tokens <n>', 'tokens to verify on, 2 to 1,000,000', wholeNumber(2, 1e6), 512)
    .option(
      '--set <key=value>',
      'an option of the model that shall be other than in training, e.g. model.update=false; its parameters have to fit (repeatable)',
      modelOption,
      {},
    )
    .action(
      async (
        checkpoint: string,
        flags: {
          out: string
          name?: string
          portable?: true
          compact?: true
          text?: string
          tokens: number
          set: Options
        },
      ) => {
        const trained = await loadTrained(checkpoint, flags.set)
        const kernels: Kernels = flags.portable ? 'portable' : 'fused'
        const { manifest, verification } = await exportBundle({
          model: trained.model,
          weights: trained.weights,
          kernels,
          compact: flags.compact === true,
          tokenizer: trained.folder,
          out: flags.out,
          name: flags.name ?? (trained.config['name'] as string),
          reference: await tensorFlowReference(trained.model, trained.weights),
          ids: await verificationIds(trained, flags.tokens, flags.text),
          generation: (trained.config['generation'] ?? {}) as Manifest['generation'],
          source: sourceOf(trained),
        })
        process.stdout.write(`${verificationText(verification)}\n`)
        process.stdout.write(`${flags.out}: ${manifest.name}, ${manifest.parameters} parameters, ${kernels} kernels\n`)
      },
    )
}

/** Where the weights come from; of a task, what was trained and what is to be measured too. */
function sourceOf({ config, step }: Trained): Record<string, unknown> {
  const data = config['data'] as { readonly kind: string }
  return { recipe: config['name'], step, seed: config['seed'], ...(data.kind === 'task' ? { data } : {}) }
}

function share(text: string): number {
  const value = Number(text)
  if (text === '' || !(value >= 0 && value < 1)) throw new InvalidArgumentError('Expected 0 to below 1.')
  return value
}

/** `cuda:0,cuda:1`: the devices that share a batch. */
function targetDevices(text: string): TargetDevice[] {
  return text.split(',').map((target) => {
    const [, device, id = '0'] = /^(cpu|webgpu|cuda)(?::(\d+))?$/.exec(target) ?? []
    if (device === undefined || (device !== 'cuda' && id !== '0'))
      throw new InvalidArgumentError('Expected cpu, webgpu, cuda or cuda:N, or several with commas between.')
    return { device: device as TargetDevice['device'], id: Number(id) }
  })
}

function evaluations(text: string): number | 'epoch' {
  return text === 'epoch' ? text : wholeNumber()(text)
}
