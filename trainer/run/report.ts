/** What a run leaves to be read: loss and learning-rate curves, a sample, and a page that shows both. */
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { feed, generate } from './generate.ts'
import { trainingPicture } from '../picture.ts'
import { Random } from '../random.ts'
import type { Metric } from './metrics.ts'
import type { Outcome } from './train.ts'
import { loadTrained, openTrained } from '../export/weights.ts'

const SAMPLE_TOKENS = 200

export interface ReportFacts {
  readonly name: string
  readonly about: string
  readonly parameters: number
  readonly backend: string
  readonly data: string
  readonly outcome: Outcome
}

/** Writes curves.svg and report.md into the run's folder; returns the report's path. */
export async function writeReport(out: string, facts: ReportFacts): Promise<string> {
  const lines = (await readFile(join(out, 'metrics.jsonl'), 'utf8')).split('\n').filter((line) => line !== '')
  const metrics = lines.map((line) => JSON.parse(line) as Metric)
  const points = metrics.map(({ step, loss, learningRate, heldOut }) => ({
    step,
    loss,
    learningRate,
    ...(heldOut === undefined ? {} : { heldOutLoss: heldOut }),
  }))
  await writeFile(join(out, 'curves.svg'), await trainingPicture(points, facts.name))
  const path = join(out, 'report.md')
  await writeFile(path, page(facts, metrics, await sample(out)))
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
    const { ids } = await generate(decoder, trained.codec, start, SAMPLE_TOKENS, sampling)
    return trained.codec.decode(ids)
  } finally {
    decoder.close()
  }
}

function page(facts: ReportFacts, metrics: readonly Metric[], text: string | undefined): string {
  const last = metrics.at(-1)
  return `# ${facts.name}

${facts.about}

| | |
|---|---|
| parameters | ${facts.parameters} |
| backend | ${facts.backend} |
| data | ${facts.data} |
| steps | ${facts.outcome.step} (${facts.outcome.reason}) |
| tokens | ${last?.tokens ?? 0} |
| last training loss, nats a token | ${nats(last?.loss)} |
| best held-out loss, nats a token | ${nats(facts.outcome.best)} |
| tokens a second, last measured | ${last?.tokensPerSecond ?? 'not measured'} |

![loss and learning rate](curves.svg)
${text === undefined ? '' : sampleSection(text)}`
}

const sampleSection = (text: string): string => `
## Sample

\`\`\`
${text.replaceAll('```', "'''")}
\`\`\`
`

const nats = (loss: number | null | undefined): string =>
  loss === null || loss === undefined ? 'not measured' : loss.toFixed(4)
