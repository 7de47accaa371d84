/** A model of Shakespeare is taught War and Peace: memory layers, LoRA, both, or all of its weights; and what it forgets. */
import { folderOf, type Measured, type Run, type Study } from './study.ts'
import { markdown } from './table.ts'
import { cut, partsOf } from './texts.ts'

const NAME = 'adapters'
const STEPS = 500
/** Characters of War and Peace: as much as there is of Shakespeare. */
const PIECE = 1_200_000
const [old, fresh] = [partsOf('tinyshakespeare'), partsOf('war-and-peace')]
const set = (...settings: readonly string[]): string[] => settings.flatMap((setting) => ['--set', setting])
const evaluate = {
  old: ['text', '--data', old.test],
  new: ['text', '--data', fresh.test],
}
const base: Run = {
  name: 'base',
  train: ['vanilla', '--data', old.train, '--steps', '800', ...set('schedule.warmup=50')],
  evaluate,
}
const taught = (name: string, recipe: string, ...settings: readonly string[]): Run => ({
  name,
  train: [
    recipe,
    `--init=${folderOf(NAME, 'base')}`,
    `--data=${fresh.train}`,
    `--steps=${STEPS}`,
    ...set('schedule.warmup=50', ...settings),
  ],
  evaluate,
})
const everywhere = 'model.loraTargets=(qkv|output|up|down)$'

/** Between 163,808 and 167,916 parameters are taught, but in the last. */
const runs: readonly Run[] = [
  base,
  taught('memory', 'adapter'),
  taught('lora', 'adapter', 'model.adapters=lora', everywhere, 'model.loraRank=21', 'model.loraAlpha=42'),
  taught(
    'both',
    'adapter',
    'model.adapters=both',
    'model.projectionRank=16',
    everywhere,
    'model.loraRank=12',
    'model.loraAlpha=24',
  ),
  taught('all-weights', 'vanilla'),
]

export const adapters: Study = {
  name: NAME,
  about: `A vanilla model of Shakespeare (800 steps) is taught War and Peace for ${STEPS} steps of 2,048 bytes; bits per byte of the last tenth of each.`,
  prepare() {
    cut('tinyshakespeare')
    cut('war-and-peace', PIECE)
  },
  runs,
  show: (measured) => ({ table: table(measured) }),
}

function table(measured: readonly Measured[]): string {
  const bits = (run: string, result: string): number | undefined =>
    measured.find((one) => one.run === run && one.result === result)?.value.bitsPerByte
  const size = (run: string): number => measured.find((one) => one.run === run)?.value.subject.parameters ?? 0
  const difference = (run: string, result: string): string => {
    const [now, before] = [bits(run, result), bits('base', result)]
    return now === undefined || before === undefined ? '' : `${now.toFixed(3)} (${signed(now - before)})`
  }
  return markdown(
    ['taught', 'parameters', 'of which taught', 'War and Peace, bits per byte', 'Shakespeare, bits per byte'],
    runs
      .filter(({ name }) => bits(name, 'old') !== undefined)
      .map(({ name }) => [
        name === 'base' ? 'nothing' : name,
        size(name),
        name === 'all-weights' ? size(name) : size(name) - size('base'),
        difference(name, 'new'),
        difference(name, 'old'),
      ]),
  )
}

const signed = (x: number): string => `${x < 0 ? '-' : '+'}${Math.abs(x).toFixed(3)}`
