/** What a run leaves to be read: loss and learning-rate curves, its settings, a sample, and a page with all of it. */
import { join } from 'node:path'
import { inUnits } from '../backends/memory.ts'
import { loadTrained, openTrained } from '../export/weights.ts'
import { writeText } from '../files.ts'
import { trainingPicture } from '../picture/training.ts'
import { Random } from '../random.ts'
import { changedSettings } from '../recipes/changed-settings.ts'
import type { Recipe } from '../recipes/recipe.ts'
import { feed, generate } from './generate.ts'
import { type Metric, readMetrics } from './metrics.ts'
import type { Outcome } from './train.ts'

const SAMPLE_TOKENS = 200

export interface ReportFacts {
  readonly name: string
  readonly about: string
  readonly parameters: number
  readonly backend: string
  readonly data: string
  /** What was left out or done besides, a sentence each. */
  readonly notes: readonly string[]
  readonly recipe: Recipe
  /** The command line. */
  readonly command: string
  readonly outcome: Outcome
  /** The most memory that the process held at once while it trained. */
  readonly peakBytes: number
}

/** Writes curves.svg and report.md into the run's folder; returns the report's path. Throws FileError. */
export async function writeReport(out: string, facts: ReportFacts): Promise<string> {
  const metrics = await readMetrics(out)
  const points = metrics.map(({ step, loss, learningRate, heldOut }) => ({
    step,
    loss,
    learningRate,
    ...(heldOut === undefined ? {} : { heldOutLoss: heldOut }),
  }))
  await writeText(join(out, 'curves.svg'), trainingPicture(points, facts.name))
  const path = join(out, 'report.md')
  await writeText(path, page(facts, metrics, await sample(out)))
  return path
}

/** Text that the last checkpoint goes on with, from nothing but the beginning of a turn; none where it knows no text or cannot be served. */
export async function sample(out: string): Promise<string | undefined> {
  const trained = await loadTrained(out)
  if (trained.model.trainingOnly !== undefined || trained.codec.encode('\n').length === 0) return undefined
  const decoder = await openTrained(trained, 'fused', 1)
  try {
    const start = await feed(decoder, trained.codec.encode('\n'), decoder.start(1))
    const sampling = { random: new Random('sample'), temperature: 0.8 }
    const { ids } = await generate(decoder, trained.codec, start, { limit: SAMPLE_TOKENS, sampling })
    return trained.codec.decode(ids)
  } finally {
    decoder.close()
  }
}

function page(facts: ReportFacts, metrics: readonly Metric[], text: string | undefined): string {
  const last = metrics.at(-1)
  const sections = [
    `# ${facts.name}\n\n${facts.about}`,
    `| | |
|---|---|
| parameters | ${facts.parameters} |
| backend | ${facts.backend} |
| data | ${facts.data} |
| steps | ${facts.outcome.step} (${facts.outcome.reason}) |
| tokens | ${last?.tokens ?? 0} |
| last training loss, nats a token | ${nats(last?.loss)} |
| best held-out loss, nats a token | ${nats(facts.outcome.best)} |
| tokens a second, last measured | ${last?.tokensPerSecond ?? 'not measured'} |
| most memory of the process | ${inUnits(facts.peakBytes)} |`,
    '![loss and learning rate](curves.svg)',
    ...(facts.notes.length === 0 ? [] : [facts.notes.map((note) => `- ${note}`).join('\n')]),
    settingsSection(facts),
    ...(text === undefined ? [] : [sampleSection(text)]),
  ]
  return `${sections.join('\n\n')}\n`
}

/** The command, and what differs from the recipe that it names. */
function settingsSection({ command, recipe }: ReportFacts): string {
  const changed = changedSettings(recipe)
  const rows = changed.map(({ path, value }) => `| \`${path}\` | \`${JSON.stringify(value).replaceAll('|', '\\|')}\` |`)
  const table = rows.length === 0 ? 'As the recipe has them.' : ['| changed | to |', '|---|---|', ...rows].join('\n')
  return `## Settings\n\n\`\`\`sh\n${command}\n\`\`\`\n\n${table}\n\nAll of them: recipe.json (\`mneme train --recipe recipe.json\`).`
}

const sampleSection = (text: string): string => `## Sample\n\n\`\`\`\n${text.replaceAll('```', "'''")}\n\`\`\``

const nats = (loss: number | null | undefined): string =>
  loss === null || loss === undefined ? 'not measured' : loss.toFixed(4)
