/**
 * What the inputs and outputs of a published ONNX decoder mean, by the names that transformers.js
 * (src/models/modeling_utils.js: `past_key_values.N.key` becomes `present.N.key`, `past_conv.N` becomes `present_conv.N`)
 * and onnxruntime-genai (genai_config.json: names, with %d for the layer) give them.
 */
import type { ElementType } from '../../onnx/graph.ts'
import type { FilePort, ModelFile } from '../../onnx/model-file.ts'
import { ImportError } from '../import-error.ts'

/** State that the graph reads as one input and gives back as one output. */
export interface Cache {
  readonly input: string
  readonly output: string
  /** `append`: keys or values, which get a position for each token. */
  readonly kind: 'fixed' | 'append'
  readonly dtype: 'float32' | 'float16'
  /** Sizes behind the batch; 'time' is the axis of positions, which is the second one. */
  readonly shape: readonly (number | 'time')[]
}

/** An input of whole numbers. */
export interface IdPort {
  readonly name: string
  readonly dtype: 'int32' | 'int64'
}

export interface DecoderPorts {
  readonly ids: IdPort
  readonly mask: IdPort | undefined
  /** `axes`: leading sizes before batch and time, of rotations with several positions for a token. */
  readonly positions: (IdPort & { readonly axes: readonly number[] }) | undefined
  /** How many logits of the last tokens are wanted, 0 for all. */
  readonly logitsToKeep: IdPort | undefined
  /** Chooses the branch that has a past, of two graphs that were merged. */
  readonly cacheBranch: string | undefined
  readonly caches: readonly Cache[]
  readonly logits: { readonly name: string; readonly dtype: 'float32' | 'float16'; readonly vocab: number }
}

/** Names and sizes that files beside the graph say. */
export interface PortHints {
  readonly ids: string
  readonly mask: string
  readonly positions: string
  readonly logits: string
  /** Names of state in and out, with %d for the layer. */
  readonly state: readonly (readonly [past: string, present: string])[]
  readonly vocab: number | undefined
  readonly heads: number | undefined
  readonly channels: number | undefined
}

export const KEEP = ['num_logits_to_keep', 'logits_to_keep']
const BRANCH = 'use_cache_branch'
const TYPES: Readonly<Record<number, ElementType>> = { 1: 'float32', 6: 'int32', 7: 'int64', 9: 'bool', 10: 'float16' }

/** Throws ImportError, which names the input or output, for an interface that cannot be driven. */
export function decoderPorts({ path, inputs, outputs, initializers }: ModelFile, hints: PortHints): DecoderPorts {
  const wrong = (name: string, sentence: string): ImportError => new ImportError(`${path}: ${name}: ${sentence}`)
  // Graphs of an older form list their weights among the inputs.
  const rest = new Map(inputs.filter(({ name }) => !initializers.has(name)).map((port) => [port.name, port]))
  const take = (names: readonly string[]): FilePort | undefined => {
    const name = names.find((one) => rest.has(one))
    const port = name === undefined ? undefined : rest.get(name)
    if (name !== undefined) rest.delete(name)
    return port
  }
  const whole = (port: FilePort, rank: number | undefined): IdPort => {
    const dtype = TYPES[port.type]
    if ((dtype !== 'int32' && dtype !== 'int64') || (rank !== undefined && port.shape.length !== rank))
      throw wrong(port.name, `expected whole numbers of ${rank ?? 'any'} axes, got ${portText(port)}`)
    return { name: port.name, dtype }
  }
  const ids = take([hints.ids])
  if (!ids) throw wrong(hints.ids, `expected it among the inputs, got ${names(inputs)}`)
  const [mask, positions, keep, branch] = [[hints.mask], [hints.positions], KEEP, [BRANCH]].map(take)
  if (positions && !positions.shape.slice(0, -2).every((size) => typeof size === 'number'))
    throw wrong(positions.name, `expected known sizes before batch and time, got ${portText(positions)}`)
  const caches = pairs(path, [...rest.values()], outputs, hints)
  const logits = outputs.find(({ name }) => name === hints.logits)
  if (!logits) throw wrong(hints.logits, `expected it among the outputs, got ${names(outputs)}`)
  const dtype = TYPES[logits.type]
  const size = logits.shape.at(-1)
  const vocab = typeof size === 'number' ? size : hints.vocab
  if ((dtype !== 'float32' && dtype !== 'float16') || logits.shape.length !== 3 || vocab === undefined)
    throw wrong(logits.name, `expected float32 or float16 [batch, time, vocabulary], got ${portText(logits)}`)
  return {
    ids: whole(ids, 2),
    mask: mask && whole(mask, 2),
    positions: positions && { ...whole(positions, undefined), axes: positions.shape.slice(0, -2).map(Number) },
    logitsToKeep: keep && whole(keep, undefined),
    cacheBranch: branch?.name,
    caches,
    logits: { name: logits.name, dtype, vocab },
  }
}

/** Each remaining input with its output. What has no partner, or no known meaning, is refused by name. */
function pairs(
  path: string,
  inputs: readonly FilePort[],
  outputs: readonly FilePort[],
  hints: PortHints,
): readonly Cache[] {
  const wrong = (name: string, sentence: string): ImportError => new ImportError(`${path}: ${name}: ${sentence}`)
  const given = new Map(outputs.map((port) => [port.name, port]))
  const caches = inputs.map((port): Cache => {
    const output = presentName(port.name, hints)
    if (output === undefined)
      throw wrong(port.name, 'expected ids, mask, positions or a past state, got an input of no known meaning')
    const present = given.get(output)
    if (!present) throw wrong(port.name, `expected ${output} among the outputs, got ${names(outputs)}`)
    if (present.type !== port.type)
      throw wrong(output, `expected the type of ${port.name}, got ${portText(present)} for ${portText(port)}`)
    const dtype = TYPES[port.type]
    if (dtype !== 'float32' && dtype !== 'float16')
      throw wrong(port.name, `expected float32 or float16, got ${portText(port)}`)
    return { input: port.name, output, dtype, ...shapeOf(path, port, hints) }
  })
  if (caches.length === 0)
    throw wrong('past_key_values', `expected past states among the inputs, got none: such a graph reads all text anew`)
  const paired = new Set(caches.map(({ output }) => output))
  const alone = outputs.find(({ name }) => /^present\b|^present_/.test(name) && !paired.has(name))
  if (alone) throw wrong(alone.name, 'expected a past state among the inputs that it continues, got none')
  return caches
}

/** The output that continues a past state; undefined where the name is none of a past state. */
function presentName(name: string, { state }: PortHints): string | undefined {
  for (const [past, present] of state) {
    const [before = '', after = ''] = past.split('%d')
    const layer = name.slice(before.length, name.length - after.length)
    if (name === `${before}${layer}${after}` && /^\d+$/.test(layer)) return present.replace('%d', layer)
  }
  if (name.startsWith('past_key_values.')) return name.replace('past_key_values', 'present')
  return /^past_\w+\.\d+/.test(name) ? name.replace('past_', 'present_') : undefined
}

/** Keys and values are [batch, heads, time, channels]; everything else has a size that does not change. */
function shapeOf(path: string, port: FilePort, { heads, channels }: PortHints): Pick<Cache, 'kind' | 'shape'> {
  const [batch, ...sizes] = port.shape
  const wrong = (expected: string): ImportError =>
    new ImportError(`${path}: ${port.name}: expected ${expected}, got ${portText(port)}`)
  if (typeof batch === 'number' && batch !== 1) throw wrong('the batch as the first axis')
  if (sizes.every((size) => typeof size === 'number')) {
    if (typeof batch === 'number') throw wrong('a batch of any size')
    return { kind: 'fixed', shape: sizes }
  }
  const [first = heads, time, last = channels] = [known(sizes[0]), sizes[1], known(sizes[2])]
  if (sizes.length !== 3 || typeof time === 'number' || typeof batch === 'number')
    throw wrong('[batch, heads, past, channels], or a state of known sizes')
  if (first === undefined || last === undefined) throw wrong('known heads and channels, here or in a configuration')
  return { kind: 'append', shape: [first, 'time', last] }
}

const known = (size: number | string | undefined): number | undefined => (typeof size === 'number' ? size : undefined)

const names = (ports: readonly FilePort[]): string => ports.map(({ name }) => name).join(', ') || 'none'

const portText = ({ type, shape }: FilePort): string => `${TYPES[type] ?? `type ${type}`} [${shape.join(', ')}]`
