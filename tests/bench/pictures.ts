/** `npx tsx tests/bench/pictures.ts`: draws the pictures of docs/results again from the measurements beside them. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { RecallResult } from '../../trainer/evaluate/keeper.ts'
import { recallPicture } from '../../trainer/evaluate/keeper-picture.ts'
import { trainingPicture } from '../../trainer/picture/training.ts'
import type { Metric } from '../../trainer/run/metrics.ts'
import { millionPicture } from './million-picture.ts'
import { nextTurnPicture } from './next-turn-picture.ts'
import { retrieval } from './studies/retrieval.ts'
import { measuredOf } from './studies/study.ts'

const folder = join('docs', 'results')
const read = (path: string): string => readFileSync(join(folder, path), 'utf8')
const recall = (path: string): RecallResult => JSON.parse(read(path)) as RecallResult

function curves(path: string, name: string): string {
  const metrics = read(path)
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Metric)
  const points = metrics.map(({ step, loss, learningRate, heldOut }) => ({
    step,
    loss,
    learningRate,
    ...(heldOut === undefined ? {} : { heldOutLoss: heldOut }),
  }))
  return trainingPicture(points, name)
}

const pictures: Readonly<Record<string, string>> = {
  'keeper/curves.svg': curves('keeper/metrics.jsonl', 'keeper'),
  'keeper/curves-long.svg': curves('keeper/metrics-long.jsonl', 'keeper-long'),
  'small-talk/curves.svg': curves('small-talk/metrics.jsonl', 'small-talk'),
  'keeper/recall.svg': recallPicture(
    [
      { name: 'keeper', result: recall('keeper/recall.json') },
      { name: 'no memory', result: recall('keeper/vanilla.json') },
    ],
    'heldout',
  ),
  'million/million.svg': millionPicture(),
  'next-turn/next-turn.svg': nextTurnPicture(),
  'retrieval/retrieval.svg': retrieval.show(measuredOf(retrieval)).picture!,
}

for (const [path, svg] of Object.entries(pictures)) {
  writeFileSync(join(folder, path), svg)
  process.stdout.write(`${join(folder, path)}\n`)
}
