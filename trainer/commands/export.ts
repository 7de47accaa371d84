/** The command `mneme export`. */
import { Command, InvalidArgumentError, Option } from 'commander'
import { critic } from '../../models/architectures/critic.ts'
import { reader } from '../../models/architectures/reader.ts'
import { sentence } from '../../models/architectures/sentence.ts'
import { sentenceClassifier } from '../../models/architectures/sentence-classifier.ts'
import { ConfigError, type Options } from '../../models/config.ts'
import { type CheckedStage, exportBundle } from '../../exporter/export.ts'
import type { Imported } from '../../exporter/import/import-options.ts'
import { kvOption, summary } from '../../exporter/import/cli.ts'
import { QUANTIZATIONS, type Quantization } from '../../exporter/import/weight-formats.ts'
import type { Kernels } from '../../exporter/kernels.ts'
import type { KvDtype } from '../../exporter/kv-cache.ts'
import { readsTexts } from '../../models/model.ts'
import { kvCostText } from '../../exporter/kv-cost.ts'
import { verificationText } from '../../exporter/verify.ts'
import { exportAdapter, loadAdapter, type TrainedAdapter } from '../export/adapter.ts'
import { generationOf } from '../export/generation.ts'
import { exportController, loadController, type TrainedController } from '../export/controller.ts'
import { exportCritic } from '../export/critic.ts'
import { exportEmbedder } from '../export/embedder.ts'
import { exportReader } from '../export/reader.ts'
import { exportSmallTalk } from '../export/small-talk.ts'
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
  readonly quantize?: Quantization
  readonly kv?: KvDtype
  readonly leastSimilarity?: number
  readonly exit?: number
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
    .addOption(
      new Option(
        '--quantize <form>',
        'of an adapter on a published model and of an encoder: how weights are stored, as in mneme import (default: keep)',
      ).choices(QUANTIZATIONS),
    )
    .addOption(kvOption())
    .option(
      '--least-similarity <cosine>',
      'of an encoder: from which cosine on a memory is read for a message (default: 0.5, as the server has it)',
      cosine,
    )
    .option(
      '--exit <layers>',
      'after how many layers the early stage ends, of a model with several exits (default: its first)',
      wholeNumber(1, 1024),
    )
    .action(runExport)
}

async function runExport(checkpoint: string, flags: ExportFlags): Promise<void> {
  exitOnSignals()
  const controller = await loadController(checkpoint)
  if (controller) return runControllerExport(controller, flags)
  const adapter = await loadAdapter(checkpoint, sourceIn(flags.set))
  if (adapter) return runAdapterExport(adapter, flags)
  const trained = await loadTrained(checkpoint, flags.set)
  if (readsTexts(trained.model)) return runEncoderExport(trained, flags)
  if (flags.leastSimilarity !== undefined)
    throw new ConfigError('--least-similarity: is for encoders of sentences; leave it out, this one writes text')
  if (flags.quantize !== undefined)
    throw new ConfigError(
      '--quantize: is for adapters on published models and for encoders; leave it out, this one is exported in float32',
    )
  const kernels: Kernels = flags.portable ? 'portable' : 'fused'
  const ids = await verificationIds(trained, flags.tokens, flags.text)
  const { manifest, verification, kvCost, stage } = await exportBundle({
    model: trained.model,
    weights: trained.weights,
    kernels,
    kv: flags.kv,
    compact: flags.compact === true,
    tokenizer: trained.folder,
    out: flags.out,
    name: flags.name ?? (trained.config['name'] as string),
    reference: await tensorFlowReference(trained.model, trained.weights),
    ids,
    length: flags.length,
    generation: generationOf(trained.config),
    source: sourceOf(trained),
    exit: flags.exit,
  })
  process.stdout.write(`${verificationText(verification)}\n`)
  if (stage) process.stdout.write(`${stageText(stage)}\n`)
  else if (trained.model.exits)
    process.stdout.write('no early stage: the layers run in a loop over chunks, which is not cut at an exit\n')
  if (kvCost) process.stdout.write(`${kvCostText(kvCost)}\n`)
  process.stdout.write(`${flags.out}: ${manifest.name}, ${manifest.parameters} parameters, ${kernels} kernels\n`)
}

/** The bundle of an encoder, tried beside itself in float32. */
async function runEncoderExport(trained: Trained, flags: ExportFlags): Promise<void> {
  const [other] = (['portable', 'compact', 'text', 'kv', 'exit'] as const).filter((flag) => flags[flag] !== undefined)
  if (other !== undefined) throw new ConfigError(`--${other}: has no effect on an encoder`)
  const began = performance.now()
  const { out, name = trained.config['name'] as string, quantize = 'none', leastSimilarity } = flags
  const own = { out, name, quantization: quantize }
  if (!trained.model.contrast && leastSimilarity !== undefined)
    throw new ConfigError('--least-similarity: is for embedders; leave it out, this one gives labels')
  const exporters: Readonly<Record<string, (trained: Trained) => Promise<Imported>>> = {
    [sentence.name]: (one) => exportEmbedder(one, { ...own, leastSimilarity }),
    [sentenceClassifier.name]: (one) => exportSmallTalk(one, own),
    [critic.name]: (one) => exportCritic(one, own),
    [reader.name]: (one) => exportReader(one, own),
  }
  const imported = await exporters[trained.model.architecture]!(trained)
  process.stdout.write(`${summary(out, imported, performance.now() - began)}\n`)
}

/** The bundle of a controller, held to TF.js and to itself row by row. */
async function runControllerExport(controller: TrainedController, flags: ExportFlags): Promise<void> {
  const given = (['portable', 'compact', 'text', 'kv', 'quantize', 'leastSimilarity', 'exit'] as const).find(
    (flag) => flags[flag] !== undefined,
  )
  const [option] = Object.keys(flags.set)
  const other = given?.replace('leastSimilarity', 'least-similarity') ?? (option && `set model.${option}`)
  if (other !== undefined) throw new ConfigError(`--${other}: has no effect on a controller`)
  const { out, name = controller.run.name } = flags
  const { manifest, verification } = await exportController(controller, { out, name })
  const { rows, againstReference, rowByRow } = verification
  process.stdout.write(
    `${rows} rows: against TF.js ${againstReference.toExponential(2)}, row by row ${rowByRow.toExponential(2)}\n` +
      `${out}: ${manifest.name}, ${manifest.parameters} parameters, for the embedder ${controller.run.embedder.name}\n`,
  )
}

const stageText = ({ after, staged, agreement }: CheckedStage): string =>
  `early stage of ${after} layers: its exit says what the last layer says in ${(100 * agreement).toFixed(1)} % of the text; ` +
  `both stages against the whole decoder ${staged.absolute.toExponential(2)}  ${staged.relative.toExponential(2)}`

/** The bundle of an adapter on a published model is an import of that model, tried as one. */
async function runAdapterExport(adapter: TrainedAdapter, flags: ExportFlags): Promise<void> {
  const { source: _, ...others } = flags.set
  const [other] = [
    ...(['portable', 'compact', 'text', 'exit'] as const)
      .filter((flag) => flags[flag] !== undefined)
      .map((flag) => `--${flag}`),
    ...Object.keys(others).map((option) => `--set model.${option}`),
  ]
  if (other !== undefined)
    throw new ConfigError(
      `${other}: has no effect on an adapter of a published model, which is exported as it is imported`,
    )
  const began = performance.now()
  const { out, name, kv, quantize = 'keep' } = flags
  const imported = await exportAdapter(adapter, { out, name, quantization: quantize, kv })
  process.stdout.write(`${summary(out, imported, performance.now() - began)}\n`)
}

/** Where the base's files are now, if they have been moved: --set model.source=PATH. */
const sourceIn = ({ source }: Options): string | undefined => (typeof source === 'string' ? source : undefined)

/** Where the weights come from; of a task, what was trained and what is to be measured too. */
function sourceOf({ config, step }: Trained): Record<string, unknown> {
  const data = config['data'] as { readonly kind: string }
  return { recipe: config['name'], step, seed: config['seed'], ...(data.kind === 'task' ? { data } : {}) }
}

function cosine(text: string): number {
  const value = Number(text)
  if (text.trim() === '' || !(value >= -1 && value <= 1))
    throw new InvalidArgumentError('Expected a number from -1 to 1.')
  return value
}
