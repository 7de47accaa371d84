/** The command `mneme import`. */
import { Command, Option } from 'commander'
import { POOLINGS, type Pooling } from '../../models/layers/pooling.ts'
import { KV_DTYPES, type KvDtype } from '../kv-cache.ts'
import { kvCostText } from '../kv-cost.ts'
import { ImportError } from './import-error.ts'
import { importModel } from './import.ts'
import type { Imported } from './import-options.ts'
import { localSource } from './local-source.ts'
import { reportQuantization, type QuantizationReport } from './report.ts'
import { QUANTIZATIONS, type Quantization } from './weight-formats.ts'

interface ImportFlags {
  readonly out: string
  readonly name?: string
  readonly quantize: Quantization
  readonly kv?: KvDtype
  readonly tokenizer?: string
  readonly pooling?: Pooling
  readonly report?: string
}

/** `mneme import SOURCE --out BUNDLE`. */
export function importCommand(): Command {
  return new Command('import')
    .description('make a bundle of a published model: checked whole, then written')
    .argument(
      '<source>',
      'a folder with config.json and safetensors, or with an ONNX decoder; a .gguf or .onnx file; ' +
        'or a model of the hub: hf:OWNER/NAME[@REVISION][:FILE]',
    )
    .requiredOption('--out <bundle>', 'folder of the bundle')
    .option('--name <name>', "the model's name (default: the source's)")
    .addOption(
      new Option(
        '--quantize <form>',
        'keep: blocks of 4 and 8 bits as the file has them, all else in float32; none: all in float32; ' +
          'int8, int4: matrices in blocks of 32, embedding and head in 8 bits',
      )
        .choices(QUANTIZATIONS)
        .default('keep'),
    )
    .addOption(kvOption())
    .option('--tokenizer <folder>', 'where the tokenizer is, if the source has none')
    .addOption(
      new Option(
        '--pooling <kind>',
        'how the vectors of the tokens become one for the text, if the files of a sentence encoder do not say',
      ).choices(POOLINGS),
    )
    .option('--report <text>', 'a text file: print what few bits cost on it, beside the same model in float32')
    .action(runImport)
}

/** `--kv`, of imports and exports. */
export function kvOption(): Option {
  return new Option(
    '--kv <dtype>',
    'how keys and values of attention over all tokens are stored, in memory and on disk (default: float32); float16: half ' +
      'the size; int8: a quarter, in steps that are measured for each head and channel',
  ).choices(KV_DTYPES)
}

async function runImport(
  source: string,
  { out, name, quantize, kv, tokenizer, pooling, report }: ImportFlags,
): Promise<void> {
  const began = performance.now()
  const local = await localSource(source, (line) => process.stderr.write(`${line}\n`))
  const options = { source: local.path, out, name: name ?? local.name, quantization: quantize, kv, tokenizer, pooling }
  const imported = await importModel({ ...options, progress: say() })
  process.stdout.write(`${summary(out, imported, performance.now() - began)}\n`)
  if (report === undefined) return
  if (!imported.manifest.graphs.decoder)
    throw new ImportError('--report: expected a model that predicts tokens, got an encoder; its trial says the cosine')
  process.stdout.write(`${reportText(await reportQuantization(options, report), report)}\n`)
}

function reportText({ tokens, bytes, perplexity, divergence, kv }: QuantizationReport, file: string): string {
  const megabytes = (n: number): string => (n / 1e6).toFixed(1)
  return [
    `on ${tokens} tokens of ${file}, in float32 and as written here:`,
    `size ${megabytes(bytes.float32)} MB, ${megabytes(bytes.quantized)} MB`,
    `perplexity ${perplexity.float32.toFixed(3)}, ${perplexity.quantized.toFixed(3)}`,
    `divergence of the predictions ${divergence.toExponential(2)} nats a token`,
    ...(kv ? [`of these weights, ${kvCostText(kv)}`] : []),
  ].join('\n')
}

/** A line for each tenth, or one that moves on a terminal. */
function say(): (what: string, done: number, of: number) => void {
  let tenth = 0
  return (what, done, of) => {
    const percent = Math.floor((100 * done) / of)
    if (process.stderr.isTTY) process.stderr.write(`\r${what}: ${percent} %${done === of ? '\n' : ''}`)
    else if (Math.floor(percent / 10) > tenth) process.stderr.write(`${what}: ${percent} %\n`)
    tenth = Math.floor(percent / 10)
  }
}

/** What was written, in three lines, and what keys and values in fewer bits cost. */
export function summary(out: string, { manifest, trial, stored, sharedWith, kvCost }: Imported, ms: number): string {
  const forms = Object.entries(stored).flatMap(([form, count]) => (count > 0 ? [`${count} in ${form}`] : []))
  const bytes = Object.values(manifest.files).reduce((sum, file) => sum + file.bytes, 0)
  return [
    `${out}: ${manifest.name}, ${manifest.architecture}, ${manifest.parameters} parameters (${forms.join(', ')})`,
    `${(bytes / 1e6).toFixed(1)} MB in ${(ms / 1000).toFixed(1)} s${sharedWith ? `, its weights shared with ${sharedWith}` : ''}`,
    trialText(trial),
    ...(kvCost ? [kvCostText(kvCost)] : []),
  ].join('\n')
}

const trialText = (trial: Imported['trial']): string =>
  'tokens' in trial
    ? `trial of ${trial.tokens} tokens: token by token ${trial.tokenByToken.toExponential(1)}, two rows ${trial.twoRows.toExponential(1)}`
    : `trial of ${trial.texts} texts: padded against alone ${trial.padded.toExponential(1)}, smallest cosine to float32 ${trial.cosine.toFixed(4)}`
