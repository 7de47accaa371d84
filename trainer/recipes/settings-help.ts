/** What `mneme train --help` says of `--set`: the settings of a recipe and the options of its architecture. */
import { type Field, type FieldTree, isField } from '../../models/config.ts'
import { architectures, withoutVocabulary } from '../../models/registry.ts'
import { families } from '../../models/families/registry.ts'
import { dataSettings, settings } from './fields.ts'
import type { Recipe } from './recipe.ts'

const COLUMN = 34

/** Settings with the values of a recipe (of the defaults without one), and options of its architecture (of all). */
export function settingsHelp(recipe?: Recipe): string {
  const title = recipe
    ? `Settings of ${recipe.name}`
    : 'Settings of a recipe and their defaults (RECIPE --help shows its own)'
  const data = dataSettings[recipe?.data.kind ?? 'text']
  const isShown = (name: string): boolean => (recipe ? name === recipe.architecture : !families.has(name))
  const shown = [...architectures.values()].filter(({ name }) => isShown(name))
  return [
    '',
    `${title} (--set KEY=VALUE):`,
    ...linesOf({ ...settings, data }, recipe ?? {}),
    ...shown.flatMap(({ name, about, fields }) => [
      '',
      `Options of ${name}, ${about} (--set model.OPTION=VALUE):`,
      ...linesOf(withoutVocabulary(name, fields), recipe?.model ?? {}),
    ]),
    ...(recipe
      ? []
      : ['', `Published families have options of their own (FAMILY --help): ${[...families.keys()].join(', ')}`]),
  ].join('\n')
}

function linesOf(fields: FieldTree, values: object, path = ''): string[] {
  return Object.entries(fields).flatMap(([name, field]) => {
    const value = (values as Record<string, unknown>)[name]
    if (!isField(field)) return linesOf(field, value ?? {}, `${path}${name}.`)
    return [`  ${`${path}${name}=${shortValue(value ?? field.default)}`.padEnd(COLUMN)} ${field.help}${range(field)}`]
  })
}

/** A value on one line; lists of objects are long. */
function shortValue(value: unknown): string {
  const text = value === null ? '' : JSON.stringify(value)
  return text.length > 60 ? `${text.slice(0, 56)}...` : text
}

/** Bounds that are there for the sake of memory only are not shown. */
const noBound = 1 << 24

function range(field: Field): string {
  const { choices, words = [], items, values, integer, min, max, above, below } = field
  if (choices) return ` (${choices.join(', ')})`
  const isNumber = typeof field.default === 'number' || field.default === null || values === 'number'
  if (!isNumber || items) return ''
  const bounds = [
    ...(min !== undefined && max !== undefined && max < noBound ? [`${min} to ${max}`] : []),
    ...(min !== undefined && (max === undefined || max >= noBound) && !below ? [`at least ${min}`] : []),
    ...(above === undefined ? [] : [`above ${above}`]),
    ...(min !== undefined && below !== undefined ? [`${min} to below ${below}`] : []),
    ...words,
  ]
  return ` (${[...(integer ? ['whole'] : []), ...bounds].join(', ')})`
}
