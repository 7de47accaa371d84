/**
 * Which published tensors make a parameter of ours. Families name the same things differently: a table for each says
 * what our paths are called there, and how a parameter is put together where it is more than one tensor as it is.
 */

/** A parameter is these tensors, one below the other along their first axis. */
export interface Stacked {
  readonly kind: 'stacked'
  readonly names: readonly string[]
}

/** A parameter is made of these tensors. */
export interface Made {
  readonly kind: 'made'
  readonly names: readonly string[]
  /** From the tensors' numbers and shapes. */
  make(parts: readonly Part[]): Float32Array
}

export interface Part {
  readonly data: Float32Array
  readonly shape: readonly number[]
}

export type Binding = Stacked | Made

/** Finds published names. */
export interface Names {
  /** The published name of a path of ours, as far as it is there. */
  find(path: string): string | undefined
  has(name: string): boolean
}

export interface NamingRules {
  /** Our segments of a path, and what they may be called; the first one that is there counts. */
  readonly segments: readonly (readonly [ours: string, theirs: readonly string[]])[]
  /** Parameters that are put together, by the end of their paths. `base` is the path before that end. */
  readonly made?: Readonly<Record<string, (at: Names, base: string) => Binding | undefined>>
  /** Tensors that are left out: predictions of further tokens, images, masks. */
  readonly left?: RegExp
}

/** What may stand before all names of a text model. */
const PREFIXES = [
  'model.',
  'model.language_model.',
  'language_model.model.',
  'language_model.',
  'transformer.',
  'backbone.',
  'rwkv.',
  'bert.',
  'deberta.',
  '',
]

/** Names of the tensors that are there, under the rules of a family. */
export function createNames(names: ReadonlySet<string>, { segments }: NamingRules): Names {
  const has = (name: string): boolean => names.has(name)
  return {
    has,
    find(path) {
      const candidates = spellings(path, segments)
      for (const prefix of PREFIXES)
        for (const candidate of candidates) if (names.has(prefix + candidate)) return prefix + candidate
      return undefined
    },
  }
}

/** All ways to spell a path: each rule replaces its segment by one of its alternatives. */
function spellings(path: string, segments: NamingRules['segments']): string[] {
  let all = [path]
  for (const [ours, theirs] of segments) {
    const pattern = new RegExp(`(^|\\.)${ours.replaceAll('.', '\\.')}(?=\\.|$)`)
    all = all.flatMap((spelled) =>
      pattern.test(spelled) ? theirs.map((other) => spelled.replace(pattern, `$1${other}`)) : [spelled],
    )
  }
  return all
}

/** The tensors one below the other, if all are there. */
export function stack(at: Names, base: string, ends: readonly string[]): Stacked | undefined {
  const names = ends.map((end) => at.find(`${base}${end}`))
  return names.every((name) => name !== undefined) ? { kind: 'stacked', names } : undefined
}

/** One tensor in another layout, if it is there. */
export function one(at: Names, path: string, make: (part: Part) => Float32Array): Made | undefined {
  const name = at.find(path)
  return name === undefined ? undefined : { kind: 'made', names: [name], make: ([part]) => make(part!) }
}
