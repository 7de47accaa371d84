/** The command `mneme bench`. */
import { Command, InvalidArgumentError, Option } from 'commander'
import type { PrepareModel } from './contenders.ts'
import { parsePeer } from './peer.ts'
import { bench, type BenchFlags } from './run.ts'

/** `mneme bench [MODEL]`. */
export function benchCommand(prepare: PrepareModel): Command {
  return new Command('bench')
    .description('measure speed, and what the next turn of a conversation costs, on this machine, over HTTP')
    .argument(
      '[model]',
      'what mneme serve takes: a bundle, a model folder, a .gguf file, hf:OWNER/NAME (default: the bundled model)',
    )
    .option('--url <url>', 'measure the server that runs there, of any program that speaks the OpenAI protocol')
    .option('--api-key <key>', 'key of that server (default: MNEME_API_KEY)', process.env['MNEME_API_KEY'])
    .option('--model <name>', "model of that server (default: the server's first)")
    .addOption(
      new Option(
        '--peer <peer>',
        'measure this one beside it, in the same rounds: NAME=URL, or llama-server[=PROGRAM][:MODEL.gguf]; may be repeated (default: llama-server where it is installed and MODEL is a .gguf file)',
      ).argParser(parsePeer),
    )
    .addOption(new Option('--threads <number>', 'threads of each server that is started').argParser(positive))
    .addOption(new Option('--prompt <tokens>', 'prompt of the prefill row').argParser(positive).default(512))
    .addOption(new Option('--gen <tokens>', 'tokens of each reply').argParser(positive).default(64))
    .addOption(
      new Option('--depths <list>', 'tokens before the reply in the decoding rows')
        .argParser(list)
        .default([64, 1024], '64,1024'),
    )
    .addOption(
      new Option('--concurrency <number>', 'requests at once in the last rows').argParser(positive).default(16),
    )
    .addOption(
      new Option('--lengths <list>', 'tokens of the conversations of which the next turn is measured')
        .argParser(list)
        .default([1024, 4096], '1024,4096'),
    )
    .addOption(new Option('--rounds <number>', 'rounds in which the servers take turns').argParser(positive).default(3))
    .addOption(
      new Option('--restarts <number>', 'restarts, kills and unloads of each length').argParser(positive).default(1),
    )
    .addOption(new Option('--only <part>', 'measure one part').choices(['speed', 'turns']))
    .option('--json <file>', 'write everything that was measured there, too')
    .action((model: string | undefined, flags: BenchFlags) => bench(prepare, model, flags))
}

function positive(value: string): number {
  const number = Number(value)
  if (Number.isInteger(number) && number > 0) return number
  throw new InvalidArgumentError('Expected a whole number above 0.')
}

function list(value: string): number[] {
  return value.split(',').map(positive)
}
