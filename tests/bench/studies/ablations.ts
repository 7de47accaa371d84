/** What parts of a memory are worth: trained without them, or switched off in a trained model. */
import { markdown } from './table.ts'
import type { Measured, Run, Study } from './study.ts'
import { cut, partsOf } from './texts.ts'

const STEPS = 400
const { train, test } = partsOf('tinyshakespeare')
const set = (...settings: readonly string[]): string[] => settings.flatMap((setting) => ['--set', setting])
const measure = ['text', '--data', test]
const trained = (name: string, recipe: string, ...settings: readonly string[]): Run => ({
  name,
  train: [recipe, '--data', train, '--steps', String(STEPS), ...set('schedule.warmup=50', ...settings)],
  evaluate: { text: measure },
})

const runs: readonly Run[] = [
  {
    ...trained('rsm', 'rsm'),
    evaluate: {
      text: measure,
      'sync switched off': [...measure, ...set('model.sync=false')],
      'memory never written': [...measure, '--freeze', 'memory'],
    },
  },
  trained('rsm, trained without sync', 'rsm', 'model.sync=false'),
  ...[8, 32].flatMap((slots) =>
    [32, 128].map((chunk) =>
      trained(`rsm, ${slots} slots, chunk ${chunk}`, 'rsm', `model.slots=${slots}`, `model.chunk=${chunk}`),
    ),
  ),
  {
    ...trained('delta', 'delta'),
    evaluate: {
      text: measure,
      'memory never written': [...measure, '--freeze', 'delta.memory'],
      'betaMax 0.5 after training': [...measure, ...set('model.betaMax=[0.5]')],
    },
  },
  ...[16, 128].map((window) => trained(`delta, window ${window}`, 'delta', `model.window=${window}`)),
  trained('delta, betaMax 0.5', 'delta', 'model.betaMax=[0.5]'),
  trained('delta, betaMax 2', 'delta', 'model.betaMax=[2]'),
  trained('delta, 16 keys of 64 values', 'delta', 'model.keys=16', 'model.values=64'),
  trained('delta, 64 keys of 16 values', 'delta', 'model.keys=64', 'model.values=16'),
]

export const ablations: Study = {
  name: 'ablations',
  about: `Bits per byte of held-out Shakespeare after ${STEPS} steps of 2,048 bytes.`,
  prepare: () => cut('tinyshakespeare'),
  runs,
  show: (measured) => ({ table: table(measured) }),
}

const table = (measured: readonly Measured[]): string =>
  markdown(
    ['model', 'parameters', 'state', 'bits per byte'],
    measured.map(({ run, result, value: { subject, bitsPerByte } }) => [
      result === 'text' ? run : `${run}, ${result}`,
      subject.parameters,
      subject.stateFloats,
      bitsPerByte.toFixed(3),
    ]),
  )
