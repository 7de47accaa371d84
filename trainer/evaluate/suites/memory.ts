/**
 * The suite `memory`: facts told in free text, corrected, taken back, deleted or never told, asked many turns later.
 * Retrieval, assembly and answer are judged apart, by exact match. After FactConsolidation (Hu et al., "Evaluating Memory
 * in LLM Agents via Incremental Multi-Turn Interactions", 2025), MEME (Jung et al., "Multi-entity and Evolving Memory
 * Evaluation", 2026) and LongMemEval (Wu et al., 2025), with sentences of our own.
 */
import { type Command, InvalidArgumentError, Option } from 'commander'
import { wholeNumber } from '../../commands/parse.ts'
import { ConfigError } from '../../../models/config.ts'
import type { Part } from '../../data/notes/values.ts'
import { type Kind, kinds } from '../memory/case.ts'
import { conditions, type Condition, goesOn, runMemory } from '../memory/run.ts'
import { cellsOf, memoryPicture, memoryTable } from '../memory/table.ts'
import { type Outcome, scoresOf } from '../outcome.ts'
import { scoresTable } from '../outcome-table.ts'
import { withServer } from '../served-model.ts'
import type { CommonFlags, Suite } from '../suite.ts'

interface MemoryFlags extends CommonFlags {
  readonly part: Part
  readonly kinds: readonly Kind[]
  readonly conditions: readonly Condition[]
  readonly distances: readonly number[]
  readonly users: number
  readonly cases: number
  readonly turns: number
  readonly verify?: string
  readonly toldTo?: string
}

export const memorySuite: Suite<MemoryFlags> = {
  name: 'memory',
  about: 'facts told in free text, corrected, taken back or never told, asked in other conversations',
  options(command: Command) {
    return command
      .addOption(someOf('--kinds <list>', kinds))
      .addOption(someOf('--conditions <list>', conditions).default(['memory', 'none']))
      .option('--distances <list>', 'turns of other talk before the questions', distances, [0, 10, 100])
      .option('--users <n>', 'users', wholeNumber(1), 3)
      .option('--cases <n>', 'cases of each kind and user', wholeNumber(1, 20), 5)
      .option('--turns <n>', 'turns of a conversation, where none has to go on', wholeNumber(1), 10)
      .option(
        '--told-to <name>',
        'another of the models at --url, to which everything is told; the questions go to --model (default: the same)',
      )
      .option('--verify <policy>', "what the critic does with replies (default: the server's own policy)")
      .addOption(
        new Option('--part <part>', 'wordings and values: those of training recipes, or those kept aside')
          .choices(['train', 'heldout'])
          .default('train'),
      )
  },
  async measure(flags, status) {
    checkToldTo(flags)
    return withServer(flags, async (client) => {
      const subject = await client.subject()
      const answers = await runMemory(client, flags, status)
      const cells = cellsOf(answers)
      const scores = flags.conditions.map((condition) => {
        const outcomes = answers.filter((one) => one.condition === condition).map(outcomeOf)
        return [condition, scoresOf(outcomes, 0)] as const
      })
      const { seed, part, turns } = flags
      return {
        result: { suite: 'memory', seed, part, turns, cells, scores: Object.fromEntries(scores), answers },
        table: `${memoryTable(cells)}\n\n${scoresTable('all together', scores)}`,
        subject,
        picture: () => memoryPicture(cells, subject.model),
      }
    })
  },
}

function checkToldTo({ toldTo, url, conditions }: MemoryFlags): void {
  if (toldTo === undefined) return
  if (url === undefined) throw new ConfigError('eval memory: expected --url, a server with both models, with --told-to')
  const goOn = conditions.filter(goesOn)
  if (goOn.length > 0)
    throw new ConfigError(
      `eval memory: ${goOn.join(', ')} go on in the conversation, which is another model's with --told-to`,
    )
}

function outcomeOf(answer: Awaited<ReturnType<typeof runMemory>>[number], index: number): Outcome {
  const { isRight, abstains, confidence, latency, tokens } = answer
  return { id: String(index), isRight, abstains, confidence, f1: null, latency, tokens }
}

function someOf(flags: string, all: readonly string[]): Option {
  return new Option(flags, all.join(', '))
    .argParser((value: string) => {
      const given = value.split(',')
      const wrong = given.find((name) => !all.includes(name))
      if (wrong !== undefined) throw new InvalidArgumentError(`Expected some of ${all.join(', ')}, got ${wrong}.`)
      return given
    })
    .default([...all])
}

const distances = (value: string): number[] => value.split(',').map(wholeNumber())
