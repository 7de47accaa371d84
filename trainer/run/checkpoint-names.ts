/** Names that checkpoints of format version 1 used, and what they are called since version 2. */
import type { JsonValue } from '../data/batch.ts'
import type { NamedTensors } from '../safetensors.ts'

/** Version 2 gives the parameters of Mamba layers the names of the published weights. */
const mambaNames: Readonly<Record<string, string>> = {
  input: 'inProj',
  select: 'xProj',
  step: 'dtProj',
  stepBias: 'dtBias',
  rate: 'ALog',
  skip: 'D',
  output: 'outProj',
}
const mambaPath = new RegExp(
  String.raw`((?:^|\.)ssm\.layers\.\d+\.mixer\.)(${Object.keys(mambaNames).join('|')})(?=$|\.)`,
)

/** Settings of a recipe that version 2 renamed. */
export const renamedSettings: Readonly<Record<string, string>> = {
  time: 'sequenceLength',
  labels: 'maxLabels',
  rates: 'lrScales',
}

/** Today's name of a tensor: a parameter's path, alone or behind `first.`, `second.` or `lora.`. */
export const currentName = (name: string): string =>
  name.replace(mambaPath, (_, start: string, old: string) => start + mambaNames[old]!)

/** The tensors with today's names, without the sums of gradients (`total.`), which are zero between two updates. */
export const withCurrentNames = (tensors: NamedTensors): NamedTensors =>
  Object.fromEntries(
    Object.entries(tensors)
      .filter(([name]) => !name.startsWith('total.'))
      .map(([name, tensor]) => [currentName(name), tensor]),
  )

/** The configuration of a run with today's names of settings, and of the parameters that learning rates belong to. */
export function withCurrentSettings(config: JsonValue): JsonValue {
  if (typeof config !== 'object' || config === null || Array.isArray(config)) return config
  const entries = Object.entries(config).map(([key, value]) => [renamedSettings[key] ?? key, value] as const)
  const named = Object.fromEntries(entries)
  const scales = named['lrScales']
  if (!scales) return named
  return {
    ...named,
    lrScales: Object.fromEntries(Object.entries(scales).map(([path, scale]) => [currentName(path), scale])),
  }
}
