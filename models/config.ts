/** Configurations: what an architecture can be set to, checked before anything is allocated. */

export class ConfigError extends Error {
  override name = 'ConfigError' as const
}

type Value = number | string | boolean | null | readonly number[] | Options
/** The options of something else, which checks them itself. */
export type Options = Readonly<Record<string, unknown>>

/** One option: its default gives the type; the bounds are inclusive and apply to each element of a list. */
export interface Field<V extends Value = Value> {
  readonly default: V
  readonly help: string
  readonly min?: number
  readonly max?: number
  readonly integer?: boolean
  readonly choices?: readonly string[]
  readonly pattern?: RegExp
}

export type Fields = { readonly [name: string]: Field }
type Widen<V> = V extends number ? number : V extends boolean ? boolean : V extends string ? string : V
export type ConfigOf<F extends Fields> = { readonly [K in keyof F]: Widen<F[K]['default']> }

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

export const choice = (value: string, choices: readonly string[], help: string): Field<string> => ({
  default: value,
  help,
  choices,
})

/** The defaults with `given` over them; refuses an unknown name, a wrong type or a value out of range. */
export function configure<F extends Fields>(owner: string, fields: F, given: Record<string, unknown>): ConfigOf<F> {
  for (const name of Object.keys(given))
    if (!Object.hasOwn(fields, name))
      throw new ConfigError(`${owner}.${name}: no such option; there are ${Object.keys(fields).join(', ')}`)
  const entries = Object.entries(fields).map(([name, field]) => {
    const value = given[name] ?? field.default
    check(`${owner}.${name}`, field, value)
    return [name, value]
  })
  return Object.fromEntries(entries) as ConfigOf<F>
}

/** Throws the message unless `holds`: for rules between fields. */
export function requires(holds: boolean, message: string): void {
  if (!holds) throw new ConfigError(message)
}

/** Throws unless the heads split the width into even channels: rotary embeddings turn them in pairs. */
export function requiresEvenChannels(owner: string, width: number, heads: number): void {
  requires(width % (2 * heads) === 0, `${owner}.heads: ${heads} heads do not split width ${width} into even channels`)
}

function check(where: string, field: Field, value: unknown): void {
  const refuse = (expected: string): never => {
    throw new ConfigError(`${where}: expected ${expected}, got ${JSON.stringify(value)}`)
  }
  if (Array.isArray(field.default)) {
    if (!Array.isArray(value) || value.length === 0) refuse('a list of numbers')
    for (const item of value as unknown[]) checkNumber(field, item, refuse)
  } else if (typeof field.default === 'number') checkNumber(field, value, refuse)
  else if (typeof value !== typeof field.default || Array.isArray(value) || value === null)
    refuse(typeof field.default === 'object' ? 'an object' : `a ${typeof field.default}`)
  else if (field.choices && !field.choices.includes(value as string)) refuse(`one of ${field.choices.join(', ')}`)
  else if (field.pattern && !field.pattern.test(value as string)) refuse(`text that matches ${field.pattern.source}`)
}

function checkNumber(field: Field, value: unknown, refuse: (expected: string) => never): void {
  const { min = -Infinity, max = Infinity, integer = false } = field
  const kind = integer ? 'a whole number' : 'a number'
  if (typeof value !== 'number' || !Number.isFinite(value) || (integer && !Number.isInteger(value)))
    refuse(`${kind} from ${min} to ${max}`)
  else if (value < min || value > max) refuse(`${kind} from ${min} to ${max}`)
}
