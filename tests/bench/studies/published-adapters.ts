/**
 * SmolLM2-135M-Instruct is taught the manual of this program, which is younger than its training data: memory layers
 * against LoRA of as many parameters, and what either makes it forget of WikiText-2.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { folderOf, importBase, type Measured, type Run, type Study } from './study.ts'
import { markdown } from './table.ts'
import { cutText, partsOf } from './texts.ts'

const NAME = 'published-adapters'
const SOURCE = process.env['MNEME_SMOLLM2'] ?? '../.models/smollm2-135m-instruct.Q4_1.gguf'
const [STEPS, TOKENS, WINDOW] = [140, 128, 256]
/** The test file has 1.3 MB, of which this many are read: a token takes as long as in training. */
const WIKI_BYTES = 40_000
const manual = partsOf('manual')
const wiki = 'runs/studies/texts/wikitext2-test.txt'
const set = (...settings: readonly string[]): string[] => settings.flatMap((setting) => ['--set', setting])
const evaluate = {
  manual: ['text', '--data', manual.test, '--window', String(WINDOW)],
  wikitext: ['text', '--data', wiki, '--window', String(WINDOW)],
}
const taught = (name: string, ...settings: readonly string[]): Run => ({
  name,
  train: [
    'adapter',
    `--init=${SOURCE}`,
    `--data=${manual.train}`,
    `--held-out=${manual.test}`,
    `--steps=${STEPS}`,
    `--evaluate-every=${STEPS}`,
    '--threads=1',
    ...set(`batch=1`, `sequenceLength=${TOKENS}`, 'carry=false', 'learningRate=1e-3', 'schedule.warmup=10'),
    ...set('evaluateBatches=4', 'checkpointEvery=1000', 'logEvery=10', ...settings),
  ],
  evaluate,
})

/** 926,272 and 921,600 parameters. */
const runs: readonly Run[] = [
  { name: 'base', evaluate },
  taught('memory', 'model.placementEvery=4', 'model.projectionRank=20'),
  taught('lora', 'model.adapters=lora', 'model.loraRank=8', 'model.loraAlpha=16'),
]

const pages = ['api', 'architecture', 'configuration', 'evaluation', 'training']

export const publishedAdapters: Study = {
  name: NAME,
  about:
    `SmolLM2-135M-Instruct (Q4_1, dequantised) is taught the manual (docs/{${pages.join(',')}}.md, the last tenth of it is ` +
    `measured on) for ${STEPS} steps of ${TOKENS} tokens, one thread; perplexity a token in windows of ${WINDOW} tokens, of ` +
    `WikiText-2's test file the first ${WIKI_BYTES} bytes.`,
  prepare() {
    // All runs of a study read one text, though the manual goes on to change
    if (!existsSync(manual.train))
      cutText('manual', pages.map((page) => readFileSync(`docs/${page}.md`, 'utf8')).join('\n'))
    mkdirSync('runs/studies/texts', { recursive: true })
    writeFileSync(wiki, readFileSync('../shared/data/wikitext2-test.txt').subarray(0, WIKI_BYTES))
    const base = folderOf(NAME, 'base')
    if (!existsSync(base)) importBase(SOURCE, base)
  },
  runs,
  show: (measured) => ({ table: table(measured) }),
}

/** What the report of a run says in a row of its first table. */
function reported(run: string, row: string): string {
  const report = `${folderOf(NAME, run)}/report.md`
  if (run === 'base' || !existsSync(report)) return ''
  return new RegExp(`^\\| ${row} \\| (.*) \\|$`, 'm').exec(readFileSync(report, 'utf8'))?.[1] ?? ''
}

function table(measured: readonly Measured[]): string {
  const of = (run: string, result: string) => measured.find((one) => one.run === run && one.result === result)?.value
  const perplexity = (run: string, result: string): string => {
    const [now, before] = [of(run, result)?.perplexity, of('base', result)?.perplexity]
    if (now === undefined) return ''
    if (run === 'base' || before === undefined) return now.toFixed(2)
    return `${now.toFixed(2)} (${now < before ? '' : '+'}${(now - before).toFixed(2)})`
  }
  const size = (run: string): number => of(run, 'manual')?.subject.parameters ?? 0
  return markdown(
    ['taught', 'parameters taught', 'manual, perplexity', 'WikiText-2, perplexity', 'most memory'],
    runs
      .filter(({ name }) => of(name, 'manual'))
      .map(({ name }) => [
        name === 'base' ? 'nothing' : name,
        name === 'base' ? 0 : size(name) - size('base'),
        perplexity(name, 'manual'),
        perplexity(name, 'wikitext'),
        reported(name, 'most memory of the process'),
      ]),
  )
}
