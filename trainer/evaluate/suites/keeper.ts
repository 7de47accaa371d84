/** The suite `keeper`: recall of facts that were told in a chat. */
import { type Command, InvalidArgumentError, Option } from 'commander'
import { wholeNumber } from '../../commands/parse.ts'
import { attributes } from '../../data/keeper/attributes.ts'
import type { StatusLine } from '../../status-line.ts'
import { DecoderAnswerer } from '../decoder-answerer.ts'
import { type Answerer, evaluateRecall } from '../keeper.ts'
import { recallPicture } from '../keeper-picture.ts'
import { recallTable } from '../keeper-table.ts'
import { type Condition, conditions } from '../keeper-tally.ts'
import { openModel, type Subject } from '../model.ts'
import { ServerAnswerer } from '../server-answerer.ts'
import { ServerClient } from '../server-client.ts'
import {
  type AblationFlags,
  type CommonFlags,
  modelFolder,
  refuseAblation,
  type Report,
  type Suite,
  withAblation,
} from '../suite.ts'

interface KeeperFlags extends CommonFlags, AblationFlags {
  readonly facts: readonly number[]
  readonly distances: readonly number[]
  readonly conditions: readonly Condition[]
  readonly conversations: number
}

export const keeperSuite: Suite<KeeperFlags> = {
  name: 'keeper',
  about: 'facts told in a chat: by number of facts, distance, wording, correction',
  options(command: Command) {
    return withAblation(command)
      .option('--facts <list>', 'numbers of facts', factCounts, [1, 2, 4, 8, 16, 32, 64])
      .option('--distances <list>', 'turns of small talk before the questions', numbers, [1, 10, 100, 200])
      .addOption(
        new Option('--conditions <list>', conditions.join(', '))
          .argParser(conditionsOf)
          .default(['heldout', 'unseen', 'corrected', 'untold'] as Condition[]),
      )
      .option('--conversations <n>', 'conversations for each condition and number of facts', wholeNumber(1), 10)
  },
  async measure(flags, status) {
    if (flags.url !== undefined) {
      refuseAblation(flags)
      const client = new ServerClient(flags.url, flags.model, flags.apiKey)
      const subject = await client.subject()
      return recall(new ServerAnswerer(client), flags, subject, status)
    }
    const open = await openModel(modelFolder(flags), flags)
    try {
      const tokens = (text: string): number => open.codec.encode(text).length
      return await recall(new DecoderAnswerer(open.decoder, open.codec), flags, open.subject, status, tokens)
    } finally {
      open.decoder.close()
    }
  },
}

async function recall(
  answerer: Answerer,
  { seed, facts, distances, conditions, conversations }: KeeperFlags,
  subject: Subject,
  status: StatusLine,
  tokens?: (text: string) => number,
): Promise<Report> {
  let done = 0
  const result = await evaluateRecall(answerer, {
    seed,
    facts,
    distances,
    conditions,
    conversations,
    ...(tokens ? { tokens } : {}),
    progress: (cell) =>
      status.report(`${cell.condition}, ${cell.facts} facts`, ++done, conditions.length * facts.length * conversations),
  })
  return {
    result,
    table: recallTable(result),
    subject,
    picture: () => recallPicture([{ name: subject.architecture, result }], conditions[0]!),
  }
}

function factCounts(value: string): number[] {
  const counts = numbers(value)
  if (counts.some((n) => n < 1 || n > attributes.length - 1))
    throw new InvalidArgumentError(`Expected whole numbers from 1 to ${attributes.length - 1}.`)
  return counts
}

function conditionsOf(value: string): Condition[] {
  const given = value.split(',')
  const wrong = given.find((name) => !(conditions as readonly string[]).includes(name))
  if (wrong !== undefined) throw new InvalidArgumentError(`Expected some of ${conditions.join(', ')}, got ${wrong}.`)
  return given as Condition[]
}

const numbers = (value: string): number[] => value.split(',').map(wholeNumber())
