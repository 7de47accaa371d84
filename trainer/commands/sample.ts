/** The command `mneme sample`: text that a model goes on with, without a server. */
import { Command } from 'commander'
import { ConfigError } from '../../models/config.ts'
import { openModel, type OpenModel } from '../evaluate/model.ts'
import { Random } from '../random.ts'
import { feed, generate } from '../run/generate.ts'
import { exitOnSignals } from '../signals.ts'
import { path, realNumber, wholeNumber } from './parse.ts'

interface SampleFlags {
  readonly prompt: string
  readonly chat?: true
  readonly tokens: number
  readonly temperature: number
  readonly samples: number
  readonly seed: number
}

/** `mneme sample RUN`. */
export function sampleCommand(): Command {
  return new Command('sample')
    .description('print text that a checkpoint, a run or a bundle goes on with')
    .argument('<model>', 'a checkpoint folder, a run (its last checkpoint), or a bundle', path)
    .option('--prompt <text>', 'what it goes on from', '\n')
    .option('--chat', "the prompt is a user's message in the model's chat format")
    .option('--tokens <n>', 'most tokens of a sample', wholeNumber(1), 200)
    .option('--temperature <t>', '0: always the likeliest token', realNumber(0, 100), 0.8)
    .option('--samples <n>', 'how many', wholeNumber(1), 1)
    .option('--seed <n>', 'seed of the sampling', wholeNumber(), 1)
    .action(runSample)
}

async function runSample(folder: string, flags: SampleFlags): Promise<void> {
  exitOnSignals()
  const model = await openModel(folder, { set: {}, freeze: '' })
  const { decoder, codec } = model
  try {
    const prompt = promptOf(model, flags)
    const start = await feed(decoder, prompt, decoder.start(1))
    for (let index = 0; index < flags.samples; index++) {
      if (flags.samples > 1) process.stdout.write(`${index === 0 ? '' : '\n'}--- ${index + 1}\n`)
      if (!flags.chat) process.stdout.write(codec.decode(prompt))
      const random = new Random(`sample ${flags.seed} ${index}`)
      const text = codec.detokenizer()
      await generate(decoder, codec, start, {
        limit: flags.tokens,
        sampling: { random, temperature: flags.temperature },
        onToken: (id) => void process.stdout.write(text.push(id)),
      })
      process.stdout.write(`${text.flush()}\n`)
    }
  } finally {
    decoder.close()
  }
}

function promptOf({ codec }: OpenModel, { prompt, chat }: SampleFlags): number[] {
  const ids = chat
    ? codec.chat([{ role: 'user', content: prompt }], { continued: false, generate: true })
    : codec.encode(prompt)
  if (ids.length === 0)
    throw new ConfigError(
      `--prompt: expected text of at least one token, got ${JSON.stringify(prompt)}; the tokens of a task's model are numbers, as in --prompt "17 4"`,
    )
  return ids
}
