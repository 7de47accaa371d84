/** The suites of tasks, one for each: exact answers of generated sequences. */
import type { Command } from 'commander'
import { ConfigError } from '../../../models/config.ts'
import { wholeNumber } from '../../commands/parse.ts'
import type { TaskSource } from '../../data/tasks/dataset.ts'
import { tasks } from '../../data/tasks/registry.ts'
import type { Options, Task } from '../../data/tasks/task.ts'
import type { StatusLine } from '../../status-line.ts'
import { openModel, type Subject } from '../model.ts'
import { decoderPredictor, type Predictor, serverPredictor } from '../predictor.ts'
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
import { taskPicture } from '../task-picture.ts'
import { taskTable } from '../task-table.ts'
import { evaluateTask } from '../task.ts'

interface TaskFlags extends CommonFlags, AblationFlags {
  readonly sequences: number
  readonly cell: readonly Options[]
}

export const taskSuites: readonly Suite<TaskFlags>[] = [...tasks.values()].map((task) => ({
  name: task.name,
  about: task.about,
  options(command: Command) {
    return withAblation(command)
      .option('--sequences <n>', 'sequences for each set of options', wholeNumber(1), 200)
      .option(
        '--cell <name=value,...>',
        `options of the task to measure, of ${Object.keys(task.fields).join(', ')} (repeatable; default: the recipe's)`,
        (value, all: Options[]) => [...all, optionsOf(value)],
        [],
      )
  },
  async measure(flags, status) {
    if (flags.url !== undefined) {
      refuseAblation(flags)
      const client = new ServerClient(flags.url, flags.model, flags.apiKey)
      return answers(task, serverPredictor(client), flags, await client.subject(), status)
    }
    const folder = modelFolder(flags)
    const { decoder, subject, trainedOn } = await openModel(folder, flags)
    try {
      if (trainedOn === undefined)
        throw new ConfigError(
          `eval ${task.name}: expected the model of a task, whose tokens are numbers, got ${folder}, whose tokens are text; ` +
            `train one: mneme train ${task.name}`,
        )
      return await answers(task, decoderPredictor(decoder), flags, subject, status, trainedOn)
    } finally {
      decoder.close()
    }
  },
}))

async function answers(
  { name, fields, grid }: Task,
  predictor: Predictor,
  { cell, sequences, seed }: TaskFlags,
  subject: Subject,
  status: StatusLine,
  trainedOn?: TaskSource,
): Promise<Report> {
  const own = trainedOn?.task === name ? trainedOn : undefined
  const known = fields['vocabulary'] && predictor.vocab !== undefined
  const shared = own?.options ?? (known ? { vocabulary: predictor.vocab } : {})
  const cells = cell.length > 0 ? cell : (own?.evaluate ?? grid)
  const result = await evaluateTask(predictor, {
    task: name,
    shared,
    cells,
    sequences,
    seed,
    progress: (options, done) => status.report(JSON.stringify(options), done, cells.length * sequences),
  })
  return { result, table: taskTable(result), subject, picture: () => taskPicture(result) }
}

/** `a=1,b=true,c=S3` as options. */
function optionsOf(value: string): Options {
  return Object.fromEntries(
    value.split(',').map((part) => {
      const [name, text = '', ...rest] = part.split('=')
      if (!name || text === '' || rest.length > 0)
        throw new ConfigError(`--cell: expected name=value,name=value, got ${value}`)
      const known: Record<string, boolean> = { true: true, false: false }
      return [name, known[text] ?? (Number.isNaN(Number(text)) ? text : Number(text))]
    }),
  )
}
