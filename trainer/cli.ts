/** The commands `mneme train`, `mneme export` and `mneme eval`. */
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { Command, InvalidArgumentError, Option } from 'commander'
import type { Manifest } from '../runtime/bundle.ts'
import { exportBundle } from '../exporter/export.ts'
import type { Kernels } from '../exporter/kernels.ts'
import { verificationText } from '../exporter/verify.ts'
import { loadCheckpoint } from './checkpoint.ts'
import { evalCommand } from './evaluate/cli.ts'
import { tensorFlowJudge } from './judge.ts'
import { prepare } from './prepare.ts'
import { createProgress } from './progress.ts'
import { recipes } from './recipes/registry.ts'
import { writeReport } from './report.ts'
import { checkContinued, recipeWith } from './settings.ts'
import { train } from './train.ts'
import { verificationIds } from './verification-text.ts'
import { loadTrained, type Trained } from './weights.ts'

export { evalCommand }

interface TrainFlags {
  readonly data?: string[]
  readonly heldOut?: string[]
  readonly steps?: number
  readonly out?: string
  readonly device: 'cpu' | 'webgpu' | 'cuda'
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
    .option('--data <files...>', 'text files, folders, .jsonl files or token shards')
    .option('--held-out <files...>', 'text to measure on; without it the end of --data is held out')
    .option('--steps <n>', 'updates of the parameters', wholeNumber)
    .option('--out <dir>', 'folder of the run (default: runs/RECIPE)')
    .addOption(
      new Option('--device <device>', 'where the compiled step runs').choices(['cpu', 'webgpu', 'cuda']).default('cpu'),
    )
    .addOption(
      new Option('--backend <backend>', 'what computes steps').choices(['compiled', 'tfjs']).default('compiled'),
    )
    .option('--seed <n>', 'seed of parameters, data and dropout', wholeNumber)
    .option('--threads <n>', 'threads of the compiled step', wholeNumber, availableParallelism())
    .option(
      '--set <key=value>',
      'change a setting of the recipe, e.g. model.width=256 (repeatable)',
      (v, all: string[]) => [...all, v],
      [],
    )
    .option('--init <path>', 'start from a checkpoint, a run, or a safetensors file, where its parameters fit')
    .option('--resume', 'continue the run in --out from its last checkpoint')
    .option('--list', 'list the recipes')
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

async function runTraining(name: string, flags: TrainFlags): Promise<void> {
  const out = flags.out ?? join('runs', name)
  const recipe = recipeWith(name, [
    ...(flags.data ? [`data.files=${JSON.stringify(flags.data)}`] : []),
    ...(flags.heldOut ? [`data.heldOut=${JSON.stringify(flags.heldOut)}`] : []),
    ...(flags.steps === undefined ? [] : [`schedule.steps=${flags.steps}`]),
    ...(flags.seed === undefined ? [] : [`seed=${flags.seed}`]),
    ...(flags.init === undefined ? [] : [`start.checkpoint=${JSON.stringify(flags.init)}`]),
    ...flags.set,
  ])
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
    device,
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
    .option('--tokens <n>', 'tokens to verify on', wholeNumber, 512)
    .action(
      async (
        checkpoint: string,
        flags: { out: string; name?: string; portable?: true; compact?: true; text?: string; tokens: number },
      ) => {
        const trained = await loadTrained(checkpoint)
        const kernels: Kernels = flags.portable ? 'portable' : 'fused'
        const { manifest, verification } = await exportBundle({
          model: trained.model,
          weights: trained.weights,
          kernels,
          compact: flags.compact === true,
          tokenizer: trained.folder,
          out: flags.out,
          name: flags.name ?? (trained.config['name'] as string),
          judge: await tensorFlowJudge(trained.model, trained.weights),
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

function wholeNumber(text: string): number {
  if (!/^\d+$/.test(text)) throw new InvalidArgumentError('Expected a whole number.')
  return Number(text)
}
