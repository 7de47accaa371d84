/** The command `mneme export`. */
import { Command } from 'commander'
import type { Options } from '../../models/config.ts'
import type { Manifest } from '../../runtime/bundle.ts'
import { exportBundle } from '../../exporter/export.ts'
import type { Kernels } from '../../exporter/kernels.ts'
import { verificationText } from '../../exporter/verify.ts'
import { tensorFlowReference } from '../export/reference.ts'
import { verificationIds } from '../export/verification-text.ts'
import { loadTrained, type Trained } from '../export/weights.ts'
import { modelOption } from '../recipes/settings.ts'
import { exitOnSignals } from '../signals.ts'
import { path, wholeNumber } from './parse.ts'

interface ExportFlags {
  readonly out: string
  readonly name?: string
  readonly portable?: true
  readonly compact?: true
  readonly text?: string
  readonly tokens: number
  readonly length: number
  readonly set: Options
}

/** `mneme export CHECKPOINT --out BUNDLE`. */
export function exportCommand(): Command {
  return new Command('export')
    .description('make a bundle of a checkpoint: traced, verified against the trainer, then written')
    .argument('<checkpoint>', 'a checkpoint folder, or a run (its last checkpoint)', path)
    .requiredOption('--out <bundle>', 'folder of the bundle', path)
    .option('--name <name>', "the model's name (default: the recipe's)")
    .option('--portable', 'plain ONNX operators instead of fused kernels')
    .option('--compact', 'a smaller file: keys and values of memory banks are made when it is loaded')
    .option('--text <file>', 'text to verify on (default: the training data)', path)
    .option('--tokens <n>', 'tokens to verify on, 2 to 1,000,000', wholeNumber(2, 1e6), 512)
    .option(
      '--length <n>',
      'tokens of a session that is verified in pieces against token by token, as long as sessions will be; the text over and over',
      wholeNumber(2, 1e7),
      4096,
    )
    .option(
      '--set <key=value>',
      'an option of the model that shall be other than in training, e.g. model.update=false; its parameters have to fit (repeatable)',
      modelOption,
      {},
    )
    .action(runExport)
}

async function runExport(checkpoint: string, flags: ExportFlags): Promise<void> {
  exitOnSignals()
  const trained = await loadTrained(checkpoint, flags.set)
  const kernels: Kernels = flags.portable ? 'portable' : 'fused'
  const ids = await verificationIds(trained, flags.tokens, flags.text)
  const { manifest, verification } = await exportBundle({
    model: trained.model,
    weights: trained.weights,
    kernels,
    compact: flags.compact === true,
    tokenizer: trained.folder,
    out: flags.out,
    name: flags.name ?? (trained.config['name'] as string),
    reference: await tensorFlowReference(trained.model, trained.weights),
    ids,
    length: flags.length,
    generation: generationOf(trained),
    source: sourceOf(trained),
  })
  process.stdout.write(`${verificationText(verification)}\n`)
  process.stdout.write(`${flags.out}: ${manifest.name}, ${manifest.parameters} parameters, ${kernels} kernels\n`)
}

/** What the recipe says of sampling; what it leaves open is left out. */
function generationOf({ config }: Trained): Manifest['generation'] {
  const given = (config['generation'] ?? {}) as object
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== null))
}

/** Where the weights come from; of a task, what was trained and what is to be measured too. */
function sourceOf({ config, step }: Trained): Record<string, unknown> {
  const data = config['data'] as { readonly kind: string }
  return { recipe: config['name'], step, seed: config['seed'], ...(data.kind === 'task' ? { data } : {}) }
}
