/** The command `mneme import`. */
import { Command, Option } from 'commander'
import { importModel, type Imported } from './import.ts'
import { QUANTIZATIONS, type Quantization } from './weight-formats.ts'

interface ImportFlags {
  readonly out: string
  readonly name?: string
  readonly quantize: Quantization
  readonly tokenizer?: string
}

/** `mneme import SOURCE --out BUNDLE`. */
export function importCommand(): Command {
  return new Command('import')
    .description('make a bundle of a published model: checked whole, then written')
    .argument('<source>', 'a folder with config.json and safetensors, or a .gguf file')
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
    .option('--tokenizer <folder>', 'where the tokenizer is, if the source has none')
    .action(runImport)
}

async function runImport(source: string, { out, name, quantize, tokenizer }: ImportFlags): Promise<void> {
  const began = performance.now()
  const imported = await importModel({ source, out, name, quantization: quantize, tokenizer, progress: say() })
  process.stdout.write(`${summary(out, imported, performance.now() - began)}\n`)
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

/** What was written, in three lines. */
export function summary(out: string, { manifest, trial, stored, sharedWith }: Imported, ms: number): string {
  const forms = Object.entries(stored).flatMap(([form, count]) => (count > 0 ? [`${count} in ${form}`] : []))
  const bytes = Object.values(manifest.files).reduce((sum, file) => sum + file.bytes, 0)
  return [
    `${out}: ${manifest.name}, ${manifest.architecture}, ${manifest.parameters} parameters (${forms.join(', ')})`,
    `${(bytes / 1e6).toFixed(1)} MB in ${(ms / 1000).toFixed(1)} s${sharedWith ? `, its weights shared with ${sharedWith}` : ''}`,
    `trial of ${trial.tokens} tokens: token by token ${trial.tokenByToken.toExponential(1)}, two rows ${trial.twoRows.toExponential(1)}`,
  ].join('\n')
}
