/** manifest.json: the only contract between the exporter and the server. */
import { z } from 'zod'
import { criticEntry } from './critic.ts'
import { isReader, readerEntry } from './reader.ts'
import { smallTalkEntry } from './small-talk.ts'
import { bytesPerElement, elementTypes, isDtype, type Dtype } from './tensor.ts'

/** A bundle cannot be used: one sentence that says where, what was expected and what was found. */
export class ManifestError extends Error {
  override name = 'ManifestError' as const
}

export const MANIFEST_FILE = 'manifest.json'
export const BUNDLE_FORMAT = 'mneme-bundle'
const VERSION = 1
/** Tokens of one prefill call of a bundle that does not say: what all bundles had before it was written down. */
const DEFAULT_PREFILL_CHUNK = 64

const dtype = z.enum(Object.keys(elementTypes).filter(isDtype) as [Dtype, ...Dtype[]])
const size = z.int().nonnegative()
const sha256 = z.string().regex(/^[0-9a-f]{64}$/)
const valueInfo = z.object({
  name: z.string().min(1),
  dtype,
  shape: z.array(z.union([size, z.string().min(1)])).readonly(),
  optional: z.literal(true).exactOptional(),
})
// A path inside the bundle, written with forward slashes on every platform.
const file = z
  .string()
  .refine(
    (path) => path.split('/').every((part) => part !== '' && part !== '.' && part !== '..') && !/[\\:\0]/.test(path),
    {
      error: 'expected a path inside the bundle',
    },
  )
const graph = z.object({
  file,
  kernels: z.enum(['fused', 'portable']),
  inputs: z.array(valueInfo),
  outputs: z.array(valueInfo),
})
const state = z.object({
  name: z.string().min(1),
  /**
   * `fixed`: the same size for ever, such as a recurrent matrix. `append`: one position more for each token, such as
   * keys and values; its axis 'time' has as many positions as memory was set aside for, of which `positions` are used.
   */
  kind: z.enum(['fixed', 'append']).default('fixed'),
  input: z.string(),
  output: z.string(),
  dtype,
  shape: z.tuple([z.literal('batch')], z.union([z.int().positive(), z.literal('time')])).readonly(),
  inPlace: z.boolean(),
})
/** What the embedder makes of a text: one vector, from those of its tokens. */
const embedder = z.object({
  pooling: z.enum(['mean', 'cls', 'max']),
  /** Whether vectors have length 1. */
  normalize: z.boolean(),
  /** Numbers of a vector. */
  width: z.int().positive(),
  /** Tokens of the longest text, those of the tokenizer's post-processor included. */
  maxTokens: z.int().positive(),
  /** The cosine from which on two texts are about the same, as measured for this encoder. */
  leastSimilarity: z.number().min(-1).max(1).exactOptional(),
})
/** What the classifier gives labels to, and which. */
const classifier = z.object({
  /** Whole texts, or pairs of them; or each token of a text. */
  task: z.enum(['sequence', 'token']),
  /** By the number of their logit. */
  labels: z.array(z.string().min(1)).min(1),
  /** From logits to scores: shares of one, each for itself, or as they are. */
  activation: z.enum(['softmax', 'sigmoid', 'none']),
  /** Tokens of the longest text or pair, those of the tokenizer's post-processor included. */
  maxTokens: z.int().positive(),
})
/** The first layers of the decoder and what reads the next token after them: the graph `early`. */
const early = z.object({
  /** Layers before the exit. */
  after: z.int().positive(),
  /** The state entries that these layers read and write; the other ones are those of the layers after the exit. */
  state: z.array(z.string().min(1)),
  /** The share of tokens of which the exit's likeliest next one is that of the last layer, on the text of the verification. */
  agreement: z.number().min(0).max(1),
})
/** What the controller reads and decides once a turn. */
const controller = z.object({
  /** The version of the list of features, and their names in its order. */
  features: z.object({ version: z.int().positive(), names: z.array(z.string().min(1)).min(1) }),
  /** The decisions, in the order of its outputs. */
  gates: z.array(z.string().min(1)).min(1),
  /** Experts of a model for which it has a bias. */
  experts: z.int().positive(),
  /** Whose vectors of messages it reads: the embedder's name, its bundle's id, the numbers of a vector. */
  embedder: z.object({ name: z.string().min(1), bundle: sha256, width: z.int().positive() }),
  /** The probability from which on each gate is open. */
  thresholds: z.record(z.string(), z.number().min(0).max(1)),
})
const manifest = z.object({
  format: z.literal(BUNDLE_FORMAT),
  version: z.literal(VERSION),
  name: z.string().min(1),
  architecture: z.string().min(1),
  config: z.record(z.string(), z.unknown()),
  parameters: size,
  files: z.record(file, z.object({ sha256, bytes: size })),
  /**
   * `decoder` writes text, `embedder` makes vectors of texts, `classifier` scores labels, `controller` decides what a turn
   * does: a bundle has some of them.
   */
  graphs: z
    .object({
      decoder: graph.exactOptional(),
      embedder: graph.exactOptional(),
      classifier: graph.exactOptional(),
      controller: graph.exactOptional(),
    })
    .catchall(graph.partial({ kernels: true })),
  embedder: embedder.exactOptional(),
  classifier: classifier.exactOptional(),
  /** How the classifier is read as a critic of replies; labels of pairs without it are read uncalibrated. */
  critic: criticEntry.exactOptional(),
  /** How a classifier whose labels are replies is read. */
  smallTalk: smallTalkEntry.exactOptional(),
  /** How the classifier is read as a reader of memories; uncalibrated without it. */
  reader: readerEntry.exactOptional(),
  early: early.exactOptional(),
  controller: controller.exactOptional(),
  state: z.array(state),
  /** Tokens of one prefill call: part of what a state means, since another length gives other last bits. */
  prefillChunk: z.int().min(1).max(4096).default(DEFAULT_PREFILL_CHUNK),
  /** Tokens of a sequence that the model was made for; without it there is no limit. */
  maxTokens: z.int().positive().exactOptional(),
  /** Without it there is nothing in the bundle that reads text. */
  tokenizer: z.object({ file, config: file, vocab: z.int().positive(), eos: z.array(size) }).exactOptional(),
  generation: z.object({
    temperature: z.number().nonnegative().exactOptional(),
    top_p: z.number().positive().max(1).exactOptional(),
    max_tokens: z.int().positive().exactOptional(),
    /** `memory`: it was trained to say again what its user told, and knows nothing else. `notes`: it learned to read notes about its user. */
    answers_from: z.enum(['memory', 'notes']).exactOptional(),
  }),
  verification: z.record(z.string(), z.unknown()),
  source: z.record(z.string(), z.unknown()),
})

export type Manifest = z.infer<typeof manifest>
/** A manifest as it may be written: what has a default may be left out. */
export type ManifestInput = z.input<typeof manifest>
export type StateEntry = z.infer<typeof state>
export type GraphEntry = z.infer<typeof graph>
export type EmbedderEntry = z.infer<typeof embedder>
export type ClassifierEntry = z.infer<typeof classifier>
export type ControllerEntry = z.infer<typeof controller>

/** Returns the manifest in `text`, checked in itself. `where` begins the sentence of a ManifestError. */
export function parseManifest(text: string, where: string): Manifest {
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch (error) {
    throw new ManifestError(`${where}: expected JSON, got ${String(error)}`, { cause: error })
  }
  return checkManifest(json, where)
}

/** Returns `value` as a manifest: every part has its type, every file is listed, every state fits the decoder. */
export function checkManifest(value: unknown, where: string): Manifest {
  checkVersion(value, where)
  const result = manifest.safeParse(value)
  if (!result.success) throw new ManifestError(`${where}: ${issueText(result.error, value)}`)
  checkFiles(result.data, where)
  checkGraphs(result.data, where)
  for (const entry of result.data.state) checkState(result.data, entry, where)
  checkEarly(result.data, where)
  checkController(result.data, where)
  return result.data
}

/** The decoder of a bundle. Throws ManifestError where there is none: the bundle of an encoder writes no text. */
export function decoderOf({ name, graphs: { decoder, embedder, classifier } }: Manifest): GraphEntry {
  if (decoder) return decoder
  const alone = classifier ? 'a classifier alone: it scores labels of texts' : 'a controller alone: it decides gates'
  const got = embedder ? 'an embedder alone: it makes vectors of texts' : alone
  throw new ManifestError(`${name}: expected a bundle with a decoder, got one with ${got} and writes none`)
}

/** The tokenizer of a bundle. Throws ManifestError where there is none. */
export function tokenizerOf({ name, tokenizer }: Manifest): NonNullable<Manifest['tokenizer']> {
  if (tokenizer) return tokenizer
  throw new ManifestError(`${name}: expected a bundle with a tokenizer, got one that reads no text`)
}

/** Bytes that one sequence has of a state entry: in all of a fixed one, for each position of an append one. */
export function stateBytes({ dtype, shape: [, ...sizes] }: StateEntry): number {
  return sizes.reduce<number>((product, dim) => (dim === 'time' ? product : product * dim), bytesPerElement(dtype))
}

function checkVersion(value: unknown, where: string): void {
  const { format, version } = z.looseObject({}).catch({}).parse(value) as Record<string, unknown>
  if (format !== BUNDLE_FORMAT)
    throw new ManifestError(`${where}: expected format ${BUNDLE_FORMAT}, got ${shown(format)}`)
  if (version !== VERSION) throw new ManifestError(`${where}: expected version ${VERSION}, got ${shown(version)}`)
}

function checkFiles({ files, graphs, tokenizer }: Manifest, where: string): void {
  const used: [path: string, file: string][] = [
    ...Object.entries(graphs).map(([name, { file }]): [string, string] => [`graphs.${name}.file`, file]),
    ...(tokenizer
      ? [
          ['tokenizer.file', tokenizer.file] as [string, string],
          ['tokenizer.config', tokenizer.config] as [string, string],
        ]
      : []),
  ]
  for (const [path, name] of used) {
    if (!Object.hasOwn(files, name))
      throw new ManifestError(`${where}: ${path}: expected a file listed in files, got ${name}`)
  }
}

function checkGraphs(
  { graphs, embedder, classifier, critic, smallTalk, reader, state, tokenizer }: Manifest,
  where: string,
): void {
  const readsText = graphs.decoder ?? graphs.embedder ?? graphs.classifier
  if (!readsText && !graphs.controller)
    throw new ManifestError(`${where}: graphs: expected a decoder, an embedder, a classifier or a controller, got none`)
  if (readsText && !tokenizer)
    throw new ManifestError(`${where}: tokenizer: expected one beside a graph that reads text, got none`)
  if (!graphs.decoder && state.length > 0)
    throw new ManifestError(`${where}: state: expected none without a decoder, got ${state[0]!.name}`)
  if (!graphs.embedder !== !embedder)
    throw new ManifestError(
      `${where}: embedder: expected it beside graphs.embedder, got ${embedder ? 'it alone' : 'the graph alone'}`,
    )
  if (!graphs.classifier !== !classifier)
    throw new ManifestError(
      `${where}: classifier: expected it beside graphs.classifier, got ${classifier ? 'it alone' : 'the graph alone'}`,
    )
  if (critic && classifier?.task !== 'sequence')
    throw new ManifestError(`${where}: critic: expected it beside a classifier of whole texts, got none`)
  if (reader && !(classifier?.task === 'sequence' && isReader(classifier.labels)))
    throw new ManifestError(
      `${where}: reader: expected a classifier of pairs with a reader's labels beside it, got another or none`,
    )
  if (smallTalk && (classifier?.task !== 'sequence' || classifier.labels.length !== smallTalk.general.length))
    throw new ManifestError(
      `${where}: smallTalk: expected a classifier of whole texts with ${smallTalk.general.length} labels beside it, got another or none`,
    )
  if (graphs.embedder && embedder)
    checkEncoder(graphs.embedder, `embedding float32 [batch, ${embedder.width}]`, `${where}: graphs.embedder`)
  if (graphs.classifier && classifier) {
    const axes = classifier.task === 'token' ? 'batch, time' : 'batch'
    const logits = `logits float32 [${axes}, ${classifier.labels.length}]`
    checkEncoder(graphs.classifier, logits, `${where}: graphs.classifier`)
  }
}

function checkEncoder({ inputs, outputs }: GraphEntry, output: string, where: string): void {
  const wanted = ['ids', 'mask', 'types'].map((name) => `${name} int32 [batch, time]`).join(', ')
  expectPorts(inputs, wanted, `${where}.inputs`)
  if (!outputs.map(portText).includes(output))
    throw new ManifestError(
      `${where}.outputs: expected ${output} among them, got ${outputs.map(portText).join(', ') || 'none'}`,
    )
}

function checkState({ graphs: { decoder } }: Manifest, entry: StateEntry, where: string): void {
  if (!decoder) return
  const times = entry.shape.filter((dim) => dim === 'time').length
  const wanted = entry.kind === 'append' ? 1 : 0
  if (times !== wanted)
    throw new ManifestError(
      `${where}: state ${entry.name}: shape: expected ${wanted} axes 'time' in a state of kind ${entry.kind}, got ${times}`,
    )
  if (entry.kind === 'append' && !(entry.inPlace && decoder.inputs.some(({ name }) => name === 'positions')))
    throw new ManifestError(
      `${where}: state ${entry.name}: expected an append state to be updated in place by a decoder with the input positions`,
    )
  for (const [side, prefix] of [
    ['input', 'state.'],
    ['output', 'next.'],
  ] as const) {
    const name = entry[side]
    const at = `${where}: state ${entry.name}: ${side}`
    if (name !== prefix + entry.name) throw new ManifestError(`${at}: expected ${prefix}${entry.name}, got ${name}`)
    const info = decoder[`${side}s`].find((candidate) => candidate.name === name)
    if (!info) throw new ManifestError(`${at}: expected ${name} among the decoder's ${side}s, got none`)
    const expected = `${entry.dtype} [${entry.shape.join(', ')}]`
    const got = `${info.dtype} [${info.shape.join(', ')}]`
    if (got !== expected)
      throw new ManifestError(`${at}: expected ${expected} as in the state entry, got ${got} in the graph`)
  }
}

/** The stage is there, and is over state that the decoder has. */
function checkEarly({ graphs, early, state }: Manifest, where: string): void {
  const stage = graphs['early']
  if (!stage !== !early)
    throw new ManifestError(`${where}: early: expected it beside graphs.early, got ${early ? 'it' : 'the graph'} alone`)
  const unknown = early?.state.find((name) => !state.some((entry) => entry.name === name))
  if (unknown !== undefined)
    throw new ManifestError(`${where}: early.state: expected names of state entries, got ${unknown}`)
}

/** The graph is there, with the inputs and outputs that the entry says. */
function checkController({ graphs, controller }: Manifest, where: string): void {
  if (!graphs.controller !== !controller)
    throw new ManifestError(
      `${where}: controller: expected it beside graphs.controller, got ${controller ? 'it' : 'the graph'} alone`,
    )
  if (!graphs.controller || !controller) return
  const { features, gates, experts, embedder, thresholds } = controller
  const sizes = { query: embedder.width, features: features.names.length, gates: gates.length, experts, uncertainty: 1 }
  const wanted = (names: readonly (keyof typeof sizes)[]): string =>
    names.map((name) => `${name} float32 [batch, ${sizes[name]}]`).join(', ')
  const { inputs, outputs } = graphs.controller
  expectPorts(inputs, wanted(['query', 'features']), `${where}: graphs.controller.inputs`)
  expectPorts(outputs, wanted(['gates', 'experts', 'uncertainty']), `${where}: graphs.controller.outputs`)
  const other = Object.keys(thresholds).find((name) => !gates.includes(name))
  if (other !== undefined)
    throw new ManifestError(`${where}: controller.thresholds: expected names of gates, got ${other}`)
}

function expectPorts(ports: GraphEntry['inputs'], wanted: string, where: string): void {
  const got = ports.map(portText).join(', ') || 'none'
  if (got !== wanted) throw new ManifestError(`${where}: expected ${wanted}, got ${got}`)
}

const portText = ({ name, dtype, shape }: GraphEntry['inputs'][number]): string =>
  `${name} ${dtype} [${shape.join(', ')}]`

function issueText(error: z.ZodError, value: unknown): string {
  const [issue] = error.issues
  if (!issue) return 'expected a manifest, got something else'
  const path = issue.path.map(String)
  const found = issue.path.reduce<unknown>((at, key) => (at as Record<PropertyKey, unknown> | undefined)?.[key], value)
  // Where a key is not allowed, the key is what was found, and the reason is one level deeper.
  const [reason, got] = issue.code === 'invalid_key' ? [issue.issues[0] ?? issue, path.at(-1)] : [issue, found]
  const message = reason.message.replace(/^Invalid \w+: /, '').replace(/, received .*$/, '')
  return `${path.join('.')}: ${message}, got ${shown(got)}`
}

function shown(value: unknown): string {
  return value === undefined ? 'none' : (JSON.stringify(value) ?? typeof value).slice(0, 80)
}
