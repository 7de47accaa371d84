/**
 * What a model declares: trees of tensors with shape, type and initial value. One declaration gives the TypeScript
 * type, the dotted path (safetensors key, ONNX initializer, state name) and the shape.
 */

/** A size known now, or the name of one that is known only when the model runs. */
export type Dim = number | 'batch' | 'time'

/** How a parameter starts. `logUniformSoftplus` draws x log-uniformly and stores softplus^-1(x) (Mamba's dt bias). */
export type Init =
  | { readonly kind: 'constant'; readonly value: number }
  | { readonly kind: 'normal'; readonly std: number }
  | { readonly kind: 'identity'; readonly scale: number }
  /** A convolution (K, C) that starts near the identity: last tap 1, the others N(0, std^2). */
  | { readonly kind: 'taps'; readonly std: number }
  | { readonly kind: 'logOfUniform'; readonly low: number; readonly high: number }
  | { readonly kind: 'logUniformSoftplus'; readonly low: number; readonly high: number }
  /** log(1), log(2), log(3) ... along the last axis (Mamba's A). */
  | { readonly kind: 'logOfColumn' }

export interface Spec {
  readonly dtype: 'float32' | 'int32'
  readonly shape: readonly Dim[]
  readonly init: Init
  /** Weight decay applies (matrices, not gains and biases). */
  readonly decay: boolean
  /** Training never moves it: no gradient, no moments; it is saved all the same. */
  readonly frozen?: true
  /** Its values are those of a published model and stay in its files: checkpoints hold none of it. */
  readonly published?: true
  /** A state that counts the tokens of a sequence. A server keeps the count itself and tells it to the graph. */
  readonly role?: 'position'
}

export type SpecTree = Spec | readonly SpecTree[] | { readonly [key: string]: SpecTree }

/** The same tree with every Spec replaced by a T; a tree of which nothing is known is unknown. */
export type Of<S, T> = S extends Spec ? T : SpecTree extends S ? unknown : { readonly [K in keyof S]: Of<S[K], T> }

/** A weight matrix or table of `shape`, drawn from N(0, std^2); std defaults to 1/sqrt(rows). */
export const matrix = (shape: readonly number[], std = 1 / Math.sqrt(shape.at(-2) ?? 1)): Spec => ({
  dtype: 'float32',
  shape,
  init: { kind: 'normal', std },
  decay: true,
})

/** A gain or bias of `shape` that starts at `value`; no weight decay. */
export const vector = (shape: readonly number[], value: number): Spec => ({
  dtype: 'float32',
  shape,
  init: { kind: 'constant', value },
  decay: false,
})

/** A parameter with an initial value of its own; no weight decay. */
export const parameter = (shape: readonly number[], init: Init): Spec => ({
  dtype: 'float32',
  shape,
  init,
  decay: false,
})

/** One tensor of session state: [batch, ...shape], float32, zero at the start. */
export const stateOf = (...shape: readonly number[]): Spec => ({
  dtype: 'float32',
  shape: ['batch', ...shape],
  init: { kind: 'constant', value: 0 },
  decay: false,
})

/**
 * Keys or values of attention over all tokens, [batch, heads, time, channels]: one position more for each token. In a
 * server the time axis has room for more positions than are filled, and what has been written never changes.
 */
export const appendState = (heads: number, channels: number): Spec => ({
  ...stateOf(),
  shape: ['batch', heads, 'time', channels],
})

/** How many tokens a sequence has been fed, [batch, 1]. */
export const positionState = (): Spec => ({ ...stateOf(1), role: 'position' })

/** Whether a state grows by a position for each token. */
export const grows = ({ shape }: Spec): boolean => shape.includes('time')

/**
 * The sizes of a state before the first token of `batch` rows, or of a parameter. A state that grows has one position then,
 * which holds no token: attention counts positions from the right, and looks at those that are filled only.
 */
export const startShape = (shape: readonly Dim[], batch: number): number[] =>
  shape.map((d) => (d === 'batch' ? batch : d === 'time' ? 1 : d))

/** A weight (out, in) as PyTorch's Linear stores it, and its bias where it has one. */
export type LinearSpec = { readonly weight: Spec; readonly bias?: Spec }

export function linearParams(width: number, size: number, bias = false): LinearSpec {
  const weight = matrix([size, width], 1 / Math.sqrt(width))
  return bias ? { weight, bias: vector([size], 0) } : { weight }
}

/** The taps (taps, channels) of a convolution of each channel alone, and its bias where it has one. */
export function convParams(taps: number, channels: number, bias = false): LinearSpec {
  const weight = parameter([taps, channels], { kind: 'normal', std: 1 / Math.sqrt(3 * taps) })
  return bias ? { weight, bias: vector([channels], 0) } : { weight }
}

/** The weight of a norm over `width` channels. */
export const normParams = (width: number, value = 1) => ({ weight: vector([width], value) })

export const isSpec = (tree: SpecTree): tree is Spec => 'dtype' in tree

/** Every leaf with its dotted path (`blocks.0.mixer.query`), in declaration order. */
export function flatten(tree: SpecTree, prefix = ''): [path: string, spec: Spec][] {
  if (isSpec(tree)) return [[prefix, tree]]
  return Object.entries(tree).flatMap(([key, child]) => flatten(child, prefix === '' ? key : `${prefix}.${key}`))
}

/** The paths of all parameters that training never moves. */
export const frozenPaths = (tree: SpecTree): ReadonlySet<string> =>
  new Set(flatten(tree).flatMap(([path, spec]) => (spec.frozen ? [path] : [])))

/** The paths of all parameters whose values stay in the files of a published model. */
export const publishedPaths = (tree: SpecTree): ReadonlySet<string> =>
  new Set(flatten(tree).flatMap(([path, spec]) => (spec.published ? [path] : [])))

/** The tree again, with `leaf(path, spec)` in the place of every Spec. */
export function fill(tree: SpecTree, leaf: (path: string, spec: Spec) => unknown, prefix = ''): unknown {
  if (isSpec(tree)) return leaf(prefix, tree)
  const at = (key: string) => (prefix === '' ? key : `${prefix}.${key}`)
  if (Array.isArray(tree)) return (tree as SpecTree[]).map((child, i) => fill(child, leaf, at(String(i))))
  return Object.fromEntries(Object.entries(tree).map(([key, child]) => [key, fill(child, leaf, at(key))]))
}

/** The leaves of a filled tree, by the paths of its specs. */
export function leaves<T>(tree: SpecTree, values: unknown): Map<string, T> {
  const out = new Map<string, T>()
  const walk = (spec: SpecTree, value: unknown, prefix: string): void => {
    if (isSpec(spec)) {
      out.set(prefix, value as T)
      return
    }
    for (const [key, child] of Object.entries(spec))
      walk(child, (value as Record<string, unknown>)[key], prefix === '' ? key : `${prefix}.${key}`)
  }
  walk(tree, values, '')
  return out
}

/** Number of elements of a shape whose sizes are all known. */
export const elements = (shape: readonly Dim[]): number =>
  shape.reduce<number>((n, d) => {
    if (typeof d !== 'number') throw new RangeError(`shape [${shape.join(', ')}]: expected known sizes, got ${d}`)
    return n * d
  }, 1)

/** Number of parameters of a tree of specs whose sizes are all known. */
export const countParameters = (tree: SpecTree): number =>
  flatten(tree).reduce((sum, [, spec]) => sum + elements(spec.shape), 0)
