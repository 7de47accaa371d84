/** The command `mneme eval`: a benchmark on a checkpoint, a bundle or a running server. */
import { stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Command, InvalidArgumentError, Option } from 'commander'
import { loadBundle } from '../../runtime/bundle.ts'
import { openDecoder } from '../../runtime/decoder.ts'
import { openText } from '../../runtime/text.ts'
import { recallPicture } from '../picture.ts'
import { loadTrained, openTrained } from '../weights.ts'
import { DecoderAnswerer } from './decoder-answerer.ts'
import { type Answerer, evaluateRecall } from './keeper.ts'
import { recallTable } from './keeper-table.ts'
import type { Condition } from './keeper-tally.ts'
import { ServerAnswerer } from './server-answerer.ts'
import { bitsPerByte } from './text.ts'

interface Flags {
  readonly model?: string
  readonly url?: string
  readonly apiKey?: string
  readonly data?: string
  /** A file, or true for stdout. */
  readonly json?: string | true
  readonly picture?: string
  readonly seed: number
  readonly facts: number[]
  readonly distances: number[]
  readonly conditions: Condition[]
  readonly conversations: number
}

/** `mneme eval keeper|text`. */
export function evalCommand(): Command {
  return new Command('eval')
    .description('measure a checkpoint, a bundle or a running server')
    .addArgument(
      new Command()
        .createArgument('<suite>', 'keeper: recall of told facts; text: bits per byte')
        .choices(['keeper', 'text']),
    )
    .option('--model <folder>', 'a checkpoint, a run or a bundle')
    .option('--url <url>', 'a running server (keeper only)')
    .option('--api-key <key>', "the server's key")
    .option('--data <file>', 'text to measure on (text only)')
    .option('--json [file]', 'the result as JSON: into the file, or on stdout instead of the table')
    .option('--picture <file>', 'write the recall curves as SVG (keeper only)')
    .option('--seed <n>', 'seed of the conversations', number, 1)
    .option('--facts <list>', 'numbers of facts', numbers, [1, 2, 4, 8, 16, 32, 64])
    .option('--distances <list>', 'turns of small talk before the questions', numbers, [1, 10, 100, 200])
    .addOption(
      new Option('--conditions <list>', 'train, heldout, unseen, corrected, untold')
        .argParser((v) => v.split(',') as Condition[])
        .default(['heldout', 'unseen', 'corrected', 'untold'] as Condition[]),
    )
    .option('--conversations <n>', 'conversations for each condition and number of facts', number, 10)
    .action((suite: 'keeper' | 'text', flags: Flags, command: Command) => {
      if ((flags.model === undefined) === (flags.url === undefined))
        return command.error('eval: expected either --model or --url', { exitCode: 2 })
      if (suite === 'keeper') return keeper(flags)
      if (flags.model === undefined || flags.data === undefined)
        return command.error('eval text: expected --model and --data', { exitCode: 2 })
      return text(flags.model, flags.data, flags.json)
    })
}

async function keeper(flags: Flags): Promise<void> {
  const { answerer, tokens, close } = await openAnswerer(flags)
  const result = await evaluateRecall(answerer, {
    ...flags,
    ...(tokens ? { tokens } : {}),
    progress: ({ condition, facts }) => {
      if (process.stderr.isTTY) process.stderr.write(`\r${condition}, ${facts} facts   `)
    },
  }).finally(close)
  await show(result, recallTable(result), flags.json)
  if (flags.picture) {
    const name = flags.model ?? flags.url!
    await writeFile(flags.picture, await recallPicture({ [name]: result }, flags.conditions[0]!, `recall of ${name}`))
  }
}

async function text(model: string, data: string, json: Flags['json']): Promise<void> {
  const { decoder, codec } = await openModel(model)
  const result = await bitsPerByte(decoder, codec, data)
  decoder.close()
  const line =
    `${data}: ${result.bitsPerByte.toFixed(4)} bits per byte, perplexity ${result.perplexity.toFixed(3)} a token ` +
    `(${result.bytes} bytes, ${result.tokens} tokens)`
  await show(result, line, json)
}

/** The text on stdout and the JSON in its file; or only the JSON, on stdout. */
async function show(result: object, shown: string, json: Flags['json']): Promise<void> {
  const encoded = `${JSON.stringify(result, null, 2)}\n`
  process.stdout.write(json === true ? encoded : `${shown}\n`)
  if (typeof json === 'string') await writeFile(json, encoded)
}

async function openAnswerer(
  flags: Flags,
): Promise<{ answerer: Answerer; tokens?: (text: string) => number; readonly close: () => void }> {
  if (flags.url !== undefined) return { answerer: new ServerAnswerer(flags.url, flags.apiKey), close: () => {} }
  const { decoder, codec } = await openModel(flags.model!)
  return {
    answerer: new DecoderAnswerer(decoder, codec),
    tokens: (t) => codec.encode(t).length,
    close: () => decoder.close(),
  }
}

/** A bundle where there is a manifest, else a checkpoint or a run. */
async function openModel(folder: string) {
  if (await stat(join(folder, 'manifest.json')).catch(() => null)) {
    const bundle = await loadBundle(folder)
    const { decoder } = bundle.manifest.graphs
    return {
      decoder: await openDecoder(bundle.path(decoder.file), bundle.manifest.state, { threads: 2 }),
      codec: openText(bundle.dir),
    }
  }
  const trained = await loadTrained(folder)
  return { decoder: await openTrained(trained), codec: trained.codec }
}

function number(value: string): number {
  if (!/^\d+$/.test(value)) throw new InvalidArgumentError('Expected a whole number.')
  return Number(value)
}

const numbers = (value: string): number[] => value.split(',').map(number)
