/**
 * Whether the critic's encoder can tell true answers to TruthfulQA's questions from false ones: AUROC of "false" over
 * questions that are kept aside, beside naive Bayes over the answer alone and the probability that a language model gives
 * it; and what is left where the question is taken away or exchanged. A bundle for each seed, trained by
 *   mneme train critic --set data.judged=FILE --set model.layers=2 --set schedule.steps=240 --seed SEED ...
 *   npx tsx tests/bench/critic-truthfulqa.ts FILE SEED=BUNDLE... [--url http://127.0.0.1:8080 --answers 400]
 */
import { parseArgs } from 'node:util'
import { loadBundle } from '../../runtime/bundle.ts'
import { openLogits } from '../../runtime/classifier.ts'
import { UNCALIBRATED } from '../../runtime/critic.ts'
import { judgedPart, readJudged } from '../../trainer/data/claims/judged.ts'
import type { Claim } from '../../trainer/data/claims/claim.ts'
import { auroc } from '../../trainer/evaluate/calibration.ts'
import { shareOf, percent } from '../../trainer/evaluate/interval.ts'
import { likelihoods } from '../../trainer/evaluate/likelihood.ts'
import { calibrationError } from '../../trainer/evaluate/outcome.ts'
import { ServerClient } from '../../trainer/evaluate/server-client.ts'
import { Random } from '../../trainer/random.ts'
import { probabilitiesOf, type LocalEncoder } from '../support/critic-encoder-tally.ts'
import { naiveBayes } from '../support/naive-bayes.ts'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { url: { type: 'string', default: '' }, answers: { type: 'string', default: '400' } },
})
const [file = '../shared/data/truthfulqa-judge.jsonl', ...runs] = positionals
const all = await readJudged(file)
console.log(
  `${all.length} judged answers, each once, to ${new Set(all.map(({ evidence }) => evidence)).size} questions\n`,
)
console.log('| seed | answers held out | scored by | AUROC | accuracy at even odds | ECE |\n|---|---|---|---|---|---|')

for (const run of runs.length > 0 ? runs : ['1=']) {
  const [seed = '1', folder = ''] = run.split('=')
  const heldOut = judgedPart(all, 'heldout', Number(seed))
  const bayes = naiveBayes(judgedPart(all, 'train', Number(seed)))
  row(
    seed,
    heldOut,
    'naive Bayes, answer alone',
    heldOut.map(({ sentence }) => bayes(sentence)),
    0,
  )
  if (folder !== '') await rows(seed, heldOut, folder)
  if (values.url !== '') await tokenProbability(seed, heldOut)
}

async function rows(seed: string, heldOut: readonly Claim[], folder: string): Promise<void> {
  const bundle = await loadBundle(folder)
  const local: LocalEncoder = {
    encoder: await openLogits(bundle, { threads: 1 }),
    entry: bundle.manifest.critic ?? UNCALIBRATED,
  }
  const questions = new Random(`exchanged ${seed}`).shuffle(heldOut.map(({ evidence }) => evidence))
  for (const [name, questionOf] of [
    ['encoder, question and answer', (at: number) => heldOut[at]!.evidence],
    ['encoder, questions exchanged', (at: number) => questions[at]!],
    ['encoder, no question', () => ''],
  ] as const) {
    const pairs = heldOut.map(({ sentence }, at) => [questionOf(at), '', sentence] as const)
    const found = await probabilitiesOf(local, pairs)
    const shares = found.map(({ supported, contradicted }) => contradicted / (supported + contradicted))
    row(seed, heldOut, name, shares, 0.5, true)
  }
  local.encoder.close()
}

/** Mean log-probability of a token of the answer, of a sample. */
async function tokenProbability(seed: string, heldOut: readonly Claim[]): Promise<void> {
  const client = new ServerClient(values.url)
  const some = new Random(`sample ${seed}`).shuffle([...heldOut]).slice(0, Number(values.answers))
  const scores: number[] = []
  for (const { evidence, sentence } of some) {
    const { logprobs } = await likelihoods(client, `Q: ${evidence}\nA:`, [` ${sentence}`])
    scores.push(-logprobs[0]! / sentence.split(' ').length)
  }
  row(seed, some, `${await client.model()}, log-probability a word`, scores, Number.NaN)
}

function row(
  seed: string,
  claims: readonly Claim[],
  name: string,
  scores: readonly number[],
  even: number,
  areProbabilities = false,
): void {
  const isFalse = claims.map(({ label }) => label === 'contradicted')
  const of = (wanted: boolean): number[] => scores.filter((_, at) => isFalse[at] === wanted)
  const right = scores.filter((score, at) => score > even === isFalse[at]).length
  const accuracy = Number.isNaN(even) ? '-' : percent(shareOf(right, scores.length).share)
  const rated = scores.map((score, at) => {
    return { confidence: Math.max(score, 1 - score), isRight: score > 0.5 === isFalse[at] }
  })
  const ece = areProbabilities ? calibrationError(rated).toFixed(3) : '-'
  console.log(`| ${[seed, claims.length, name, auroc(of(true), of(false)).toFixed(3), accuracy, ece].join(' | ')} |`)
}
