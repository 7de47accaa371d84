/** Configurations: what something can be set to, each value with its default, meaning and range beside it. */

export class ConfigError extends Error {
  override name = 'ConfigError' as const
}

type Value = number | string | boolean | null | readonly number[] | readonly string[] | Options | readonly Options[]
/** The options of something else, which checks them itself. */
export type Options = Readonly<Record<string, unknown>>

/** One option: its default gives the type; the bounds apply to each element of a list. */
export interface Field<V extends Value = Value> {
  readonly default: V
  readonly help: string
  /** Inclusive bounds. */
  readonly min?: number
  readonly max?: number
  /** Exclusive bounds. */
  readonly above?: number
  readonly below?: number
  readonly integer?: boolean
  readonly choices?: readonly (string | number)[]
  readonly pattern?: RegExp
  /** Words that may stand in the place of a number. */
  readonly words?: readonly string[]
  /** What the elements of a list are, where its default is empty. */
  readonly items?: 'string' | 'number' | 'object'
  /** What the values of an object are, where nobody else checks them. */
  readonly values?: 'number'
}

export type Fields = { readonly [name: string]: Field }
type Widen<V> = V extends number ? number : V extends boolean ? boolean : V
export type ConfigOf<F extends Fields> = { readonly [K in keyof F]: Widen<F[K]['default']> }

/** Options and groups of options. */
export type FieldTree = { readonly [name: string]: Field | FieldTree }
export type TreeConfigOf<F extends FieldTree> = {
  readonly [K in keyof F]: F[K] extends Field<infer V> ? V : F[K] extends FieldTree ? TreeConfigOf<F[K]> : never
}

/** A whole number of at least `min`. */
export const count = (value: number, help: string, min = 1, max = 1 << 24): Field<number> => ({
  default: value,
  help,
  min,
  max,
  integer: true,
})

/** A real number between `min` and `max`. */
export const real = (value: number, help: string, min: number, max: number): Field<number> => ({
  default: value,
  help,
  min,
  max,
})

export const flag = (value: boolean, help: string): Field<boolean> => ({ default: value, help })

/** Any text. */
export const text = (value: string, help: string): Field<string> => ({ default: value, help })

/** One of a few texts or numbers. */
export const choice = <const C extends string | number>(
  value: NoInfer<C>,
  choices: readonly C[],
  help: string,
): Field<C> => ({ default: value, help, choices })

/** A number or text that may be left open. */
export const optional = <V extends string | number>(field: Field<V>): Field<V | null> => ({ ...field, default: null })

export const isField = (entry: Field | FieldTree): entry is Field => typeof entry['help'] === 'string'

/** The defaults with `given` over them; refuses an unknown name, a wrong type or a value out of range. */
export function configure<F extends Fields>(owner: string, fields: F, given: object): ConfigOf<F> {
  return configureTree(owner, fields as FieldTree, given) as unknown as ConfigOf<F>
}

/** The same for options of which some are in groups. */
export function configureTree<F extends FieldTree>(owner: string, fields: F, given: object): TreeConfigOf<F> {
  const path = (name: string): string => (owner === '' ? name : `${owner}.${name}`)
  for (const name of Object.keys(given))
    if (!Object.hasOwn(fields, name))
      throw new ConfigError(`${path(name)}: no such option; there are ${Object.keys(fields).join(', ')}`)
  const entries = Object.entries(fields).map(([name, field]) => {
    const value = (given as Record<string, unknown>)[name]
    if (!isField(field)) return [name, configureTree(path(name), field, groupOf(path(name), value))]
    check(path(name), field, value ?? field.default)
    return [name, value ?? field.default]
  })
  return Object.fromEntries(entries) as TreeConfigOf<F>
}

function groupOf(where: string, value: unknown): object {
  if (value === undefined) return {}
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value
  throw new ConfigError(`${where}: expected an object, got ${JSON.stringify(value)}`)
}

/** Throws the message unless `holds`: for rules between fields. */
export function requires(holds: boolean, message: string): void {
  if (!holds) throw new ConfigError(message)
}

/** Throws unless the heads split the width into even channels: rotary embeddings turn them in pairs. */
export function requiresEvenChannels(owner: string, width: number, heads: number): void {
  requires(width % (2 * heads) === 0, `${owner}.heads: ${heads} heads do not split width ${width} into even channels`)
}

type Refuse = (expected: string) => never

function check(where: string, field: Field, value: unknown): void {
  const refuse = (expected: string): never => {
    throw new ConfigError(`${where}: expected ${expected}, got ${JSON.stringify(value)}`)
  }
  if (value === null && field.default === null) return
  if (field.words?.includes(value as string)) return
  if (field.choices && !field.choices.includes(value as string)) refuse(`one of ${field.choices.join(', ')}`)
  if (field.choices) return
  if (Array.isArray(field.default)) checkList(field, value, refuse)
  else if (typeof field.default === 'number' || field.default === null) checkNumber(field, value, refuse)
  else if (typeof value !== typeof field.default || Array.isArray(value) || value === null)
    refuse(typeof field.default === 'object' ? 'an object' : `a ${typeof field.default}`)
  else if (field.pattern && !field.pattern.test(value as string)) refuse(`text that matches ${field.pattern.source}`)
  else if (field.values)
    for (const [name, item] of Object.entries(value as object))
      check(`${where}.${name}`, { ...field, default: 0 }, item)
}

function checkList(field: Field, value: unknown, refuse: Refuse): void {
  if (!field.items) {
    if (!Array.isArray(value) || value.length === 0) refuse('a list of numbers')
    for (const item of value as unknown[]) checkNumber(field, item, refuse)
  } else if (!Array.isArray(value) || value.some((item) => typeof item !== field.items || item === null))
    refuse(`a list of ${field.items}s`)
}

function checkNumber(field: Field, value: unknown, refuse: Refuse): void {
  const { min = -Infinity, max = Infinity, above = -Infinity, below = Infinity, integer = false } = field
  const fits =
    typeof value === 'number' &&
    value >= min &&
    value <= max &&
    value > above &&
    value < below &&
    Number.isFinite(value)
  if (!fits || (integer && !Number.isInteger(value))) refuse(expectedNumber(field))
}

/** In words, which numbers a field takes. */
function expectedNumber({ min = -Infinity, max = Infinity, above, below, integer, words }: Field): string {
  const kind = integer ? 'a whole number' : 'a number'
  const low = above === undefined ? `from ${min}` : `above ${above}`
  const high = below === undefined ? `to ${max}` : `and below ${below}`
  const range = above !== undefined && below === undefined && max === Infinity ? low : `${low} ${high}`
  return `${kind} ${range}${words ? `, or ${words.join(', ')}` : ''}`
}

/** Of the options of a model those that are among `fields`: of an encoder within it. */
export const optionsAmong = (fields: Fields, options: Readonly<Record<string, unknown>>): Record<string, unknown> =>
  Object.fromEntries(Object.entries(options).filter(([option]) => Object.hasOwn(fields, option)))
