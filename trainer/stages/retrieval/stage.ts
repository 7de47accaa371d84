/** `mneme train hmst --stage 2`: trains what memories are found by, over the embeddings of a run of stage 1. */
import { join } from 'node:path'
import { episodicConfig } from '../../../models/architectures/episodic-encoder.ts'
import { ConfigError } from '../../../models/config.ts'
import { type Learner, openLearner } from '../../backends/compile/learner.ts'
import { loadTrained, type Trained } from '../../export/weights.ts'
import { readText, writeText } from '../../files.ts'
import { Random } from '../../random.ts'
import { readMetrics } from '../../run/metrics.ts'
import { learningRateShare } from '../../run/schedule.ts'
import { drawChart } from '../../picture/chart.ts'
import { percentText } from '../../picture/text.ts'
import type { Feed } from '../../objective.ts'
import type { StageContext, StageEnd } from '../context.ts'
import { type Numbers, runSteps } from '../run-steps.ts'
import { adam, checkSameSettings, retrievalFields, type RetrievalSettings, stageSettings } from '../settings.ts'
import { type BatchOptions, drawGroups, recallAtOne } from './batches.ts'
import { retrievalObjective, type RetrievalOptions, WEIGHTS } from './objective.ts'

/** Which of the step's vectors are compared with which. */
const PAIRS = {
  episodic: ['questions', 'episodes'],
  semantic: ['asked', 'told'],
  consolidation: ['consolidated', 'told'],
} as const

export async function trainRetrieval(context: StageContext): Promise<StageEnd> {
  const { out, seed, threads, resume, status, signal } = context
  if (context.init === undefined) throw new ConfigError('--stage 2: expected --init with a run of stage 1')
  const settings = stageSettings(retrievalFields, context.settings)
  const trained = await loadTrained(context.init)
  if (trained.model.architecture !== 'hmst')
    throw new ConfigError(`--init: expected a run of hmst, got one of ${trained.model.architecture}`)
  const config = { name: 'hmst stage 2', stage: 2, init: context.init, seed, ...settings }
  if (resume) checkSameSettings(JSON.parse(await readText(join(out, 'stage.json'))) as object, config)
  const options = optionsOf(trained, settings)
  const noise = new Random(`${seed} dropout`)
  const learner = await openLearner(retrievalObjective(options), { optimizer: adam, seed, threads, random: noise })
  for (const [path, data] of trained.weights) learner.put(`base.${path}`, data)
  const random = new Random(`stage 2 ${seed}`)
  const batchOptions = { ...settings, encode: (text: string) => trained.codec.encode(text) }
  const heldOut = heldOutBatches(seed, batchOptions, settings.candidates)
  const schedule = { kind: 'cosine', steps: settings.steps, warmup: 0.05, minRatio: 0.1 } as const
  const run = {
    ...settings,
    out,
    config,
    learner,
    randoms: [random, noise],
    signal,
    report: (numbers: Numbers) => status.note(lineOf(numbers)),
    async step(number: number) {
      const lr = settings.learningRate * learningRateShare(schedule, number - 1)
      const { objective, norm, told } = await learner.update(
        drawGroups(random, { ...batchOptions, part: 'train' }),
        lr,
        number,
      )
      const losses = Object.keys(WEIGHTS).map((name) => [name, told[name]![0]!] as const)
      return { objective, norm, learningRate: lr, ...Object.fromEntries(losses) }
    },
    measure: () => recalls(learner, heldOut, options),
  }
  try {
    if (!resume) await writeText(join(out, 'stage.json'), `${JSON.stringify(config, null, 2)}\n`)
    const end = await runSteps(run, resume)
    if (end === 'done') await writePage(context, settings)
    return end
  } finally {
    learner.close()
  }
}

function optionsOf({ model }: Trained, settings: RetrievalSettings): RetrievalOptions {
  const { width, layers, states, summary, semantic, groups, sequenceLength } = settings
  const encoder = episodicConfig({ input: model.width, width, layers, states, summary })
  return { base: model, encoder, semantic, groups, sequenceLength }
}

/** As many whole batches as the candidates fill. */
function heldOutBatches(seed: number, o: Omit<BatchOptions, 'part'>, candidates: number): Feed[] {
  const random = new Random(`stage 2 held out ${seed}`)
  return Array.from({ length: Math.ceil(candidates / o.groups) }, () => drawGroups(random, { ...o, part: 'heldout' }))
}

/** Recall@1 of each pair over all held-out groups, and the mean objective. `score` is the episodic recall. */
async function recalls(learner: Learner, batches: readonly Feed[], { encoder, semantic }: RetrievalOptions) {
  const found = new Map<string, number[]>()
  let objective = 0
  for (const batch of batches) {
    const answer = await learner.ask(batch)
    objective += answer.objective / batches.length
    for (const [name, values] of Object.entries(answer.told)) {
      const all = found.get(name) ?? []
      for (const value of values) all.push(value)
      found.set(name, all)
    }
  }
  const recall = Object.entries(PAIRS).map(([name, [queries, keys]]) => {
    const width = name === 'episodic' ? encoder.summary : semantic
    const [from, to] = [Float32Array.from(found.get(queries)!), Float32Array.from(found.get(keys)!)]
    return [`${name}Recall`, recallAtOne(from, to, width)] as const
  })
  const all = Object.fromEntries(recall) as Record<'episodicRecall' | 'semanticRecall' | 'consolidationRecall', number>
  return { heldOut: objective, ...all, score: all.episodicRecall }
}

function lineOf({ step, objective, heldOut, episodicRecall, semanticRecall, consolidationRecall }: Numbers): string {
  const loss = objective === undefined ? '' : `  loss ${objective.toFixed(4)}`
  if (episodicRecall === undefined) return `step ${step}${loss}`
  const shares = [episodicRecall, semanticRecall!, consolidationRecall!].map(percentText).join(', ')
  return `step ${step}${loss}  held out ${heldOut!.toFixed(4)}  recall@1 episodic, semantic, consolidated: ${shares}`
}

type Line = { readonly step: number } & Numbers

async function writePage({ out, command, init }: StageContext, settings: RetrievalSettings): Promise<void> {
  const lines = (await readMetrics(out)) as unknown as Line[]
  const measured = lines.filter((line) => line['episodicRecall'] !== undefined)
  const series = (key: string, name: string) => ({
    name,
    points: lines.flatMap((line) => (line[key] === undefined ? [] : [{ x: line.step, y: line[key] }])),
  })
  const x = { title: 'updates' } as const
  const [first, last] = [measured[0]!, measured.at(-1)!]
  const title = `stage 2: a held-out question finds its episode among ${settings.candidates} in ${percentText(last['episodicRecall']!)}, before training in ${percentText(first['episodicRecall']!)}`
  const picture = drawChart({
    title,
    panels: [
      {
        x,
        y: { title: 'recall@1, held out', domain: [0, 1], format: percentText },
        series: [
          series('episodicRecall', 'episodic'),
          series('semanticRecall', 'semantic'),
          series('consolidationRecall', 'consolidated'),
        ],
      },
      { x, y: { title: 'loss' }, series: [series('objective', 'training'), series('heldOut', 'held out')] },
    ],
  })
  await writeText(join(out, 'curves.svg'), picture)
  const row = (key: string): string => `${percentText(first[key]!)} | ${percentText(last[key]!)} |`
  await writeText(
    join(out, 'report.md'),
    `# HMST, stage 2\n\n\`\`\`sh\n${command}\n\`\`\`\n\nBase: ${init}. Recall@1 among ${settings.candidates} held-out groups (wordings and values kept aside):\n\n` +
      `| a question, or a consolidated vector, finds | at step 0 | at step ${last.step} |\n|---|---|---|\n` +
      `| its episode, by the episodic encoder | ${row('episodicRecall')}\n| what answers it, by the semantic projection | ${row('semanticRecall')}\n` +
      `| its members, from the consolidated vector | ${row('consolidationRecall')}\n\n![recall and losses](curves.svg)\n`,
  )
}
