/** What `mneme train --help` says of `--set`: every setting of a recipe and every option of every architecture. */
import type { Field } from '../../models/config.ts'
import { architectures } from '../../models/registry.ts'
import { defaults } from './recipe.ts'

const COLUMN = 30

/** Settings with their defaults, and options with defaults, meaning and range. */
export function settingsHelp(): string {
  const options = [...architectures.values()].flatMap(({ name, about, fields }) => [
    '',
    `Options of ${name}, ${about} (--set model.OPTION=VALUE):`,
    ...Object.entries(fields)
      .filter(([option]) => option !== 'vocab') // comes from the tokenizer
      .map(([option, field]) => line(option, field.default, `${field.help}${range(field)}`)),
  ])
  const settings = leavesOf(defaults).map(([path, value]) => line(path, value, ''))
  return [
    '',
    'Settings of a recipe and where they start (--set KEY=VALUE; docs/training.md):',
    ...settings,
    ...options,
  ].join('\n')
}

const line = (name: string, value: unknown, about: string): string =>
  `  ${`${name}=${JSON.stringify(value)}`.padEnd(COLUMN)} ${about}`.trimEnd()

function range({ choices, min, max, integer }: Field): string {
  if (choices) return ` (${choices.join(', ')})`
  if (min === undefined && max === undefined) return ''
  return ` (${integer ? 'whole, ' : ''}${min ?? 'any'} to ${max ?? 'any'})`
}

/** `a.b` and its value, for every value that is not an object with parts. */
function leavesOf(tree: object, path = ''): [string, unknown][] {
  return Object.entries(tree).flatMap(([key, value]): [string, unknown][] => {
    const parts = typeof value === 'object' && value !== null && Object.keys(value as object).length > 0
    return parts ? leavesOf(value as object, `${path}${key}.`) : [[path + key, value]]
  })
}
