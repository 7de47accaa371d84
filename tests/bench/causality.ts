/**
 * What a token changes before itself: `npx tsx tests/bench/causality.ts`. Every configuration of the invariant suite, and
 * the modes as first published, which can be trained but not served.
 */
import { loadTensorFlow } from '../../trainer/backends/tensorflow/load.ts'
import { trainable } from '../models/configurations.ts'
import { randomIds } from '../support/decoders.ts'
import { leaks, mean } from '../support/leak.ts'

const LENGTH = 20

const { tf } = await loadTensorFlow('cpu')
process.stdout.write('| configuration | mean | largest |\n| --- | ---: | ---: |\n')
const places = Array.from({ length: LENGTH - 2 }, (_, i) => i + 1)
for (const { name, model } of trainable) {
  const found = leaks(tf, model, randomIds(model.vocab, LENGTH, 1), places)
  process.stdout.write(`| ${name} | ${mean(found).toPrecision(2)} | ${Math.max(...found).toPrecision(2)} |\n`)
}
