/**
 * What a token changes before itself, in small random models: `npx tsx tests/bench/causality.ts`. Every architecture as
 * it is by default, and the modes of RSM and MoC as first published, which can be trained but not served.
 */
import { createModel } from '../../models/registry.ts'
import { loadTensorFlow } from '../../trainer/tensorflow/load.ts'
import { randomIds } from '../support/decoders.ts'
import { leaks, mean } from '../support/leak.ts'

const LENGTH = 20
const VOCAB = 23
const small = { vocab: VOCAB, width: 16, heads: 2, layers: 2 }
/** Memories that say something from the beginning: as initialised their outputs are zero. */
const loud = { rows: 12, memoryHeads: 2, memoryStd: 0.5, zeroOutput: false }
const chapters = { ...small, hidden: 24, window: 6, ...loud, chapters: 4, topChapters: 2, routingWindow: 4 }
const slots = { ...small, slots: 3, chunk: 5, cadence: 2 }
const delta = {
  vocab: VOCAB,
  width: 16,
  heads: 2,
  layers: 'ad',
  hidden: 24,
  window: 6,
  memoryHeads: 2,
  keys: 8,
  values: 8,
}

const models: readonly (readonly [name: string, architecture: string, options: Record<string, unknown>])[] = [
  ['vanilla', 'vanilla', { ...small, window: 6, hidden: 24 }],
  ['delta', 'delta', delta],
  ['rsm', 'rsm', slots],
  ['rsm, read: seed', 'rsm', { ...slots, read: 'seed' }],
  ['smt', 'smt', { ...small, outputs: 2, tokens: 4, stride: 2, keys: 8, ssmLayers: 1 }],
  ['moc, routing: token', 'moc', chapters],
  ['moc, routing: rolling', 'moc', { ...chapters, routing: 'rolling' }],
  ['moc, routing: hybrid', 'moc', { ...chapters, routing: 'hybrid' }],
  ['moc, routing: sequence (seed)', 'moc', { ...chapters, routing: 'sequence' }],
  ['moc, routing: sequence_rolling (seed)', 'moc', { ...chapters, routing: 'sequence_rolling' }],
  ['nmt', 'nmt', { ...small, window: 6, memoryWidth: 8, chunk: 5 }],
  ['hmst', 'hmst', { ...small, hidden: 24, window: 6 }],
]

const { tf } = await loadTensorFlow('cpu')
process.stdout.write('| model | mean | largest |\n| --- | ---: | ---: |\n')
const places = Array.from({ length: LENGTH - 2 }, (_, i) => i + 1)
for (const [name, architecture, options] of models) {
  const found = leaks(tf, createModel(architecture, options), randomIds(VOCAB, LENGTH, 1), places)
  process.stdout.write(`| ${name} | ${mean(found).toPrecision(2)} | ${Math.max(...found).toPrecision(2)} |\n`)
}
