/** From a published configuration (config.json of transformers 4 or 5) to a family and its options. */
import type { Model } from '../../models/architecture.ts'
import type { Fields } from '../../models/config.ts'
import type { EncoderModel, Task } from '../../models/encoder.ts'
import { encoders, families } from '../../models/families/registry.ts'
import { NO_BOUND } from '../../models/layers/mamba2.ts'
import { ImportError } from './import-error.ts'
import { cannotChange } from './config-keys.ts'
import { withDefaults } from './published-defaults.ts'

type Config = Readonly<Record<string, unknown>>

export interface PublishedModel {
  readonly family: string
  readonly model: Model
  /** Tokens of a sequence that the model was made for; null where the configuration does not say. */
  readonly maxPositions: number | null
}

/** `model_type` of text models within wrappers, and of what is one family with another name. */
const OTHER_NAMES: Readonly<Record<string, string>> = {
  qwen3_5_text: 'qwen3_5',
  qwen3_5_moe_text: 'qwen3_5_moe',
  gemma3_text: 'gemma3',
  gemma4_text: 'gemma4',
  // The text model of Gemma 4 12B is one of the same family without embeddings for each layer.
  gemma4_unified_text: 'gemma4',
}

/** The encoder that a configuration describes; undefined where it is none. Throws as `readPublishedConfig` does. */
export function readPublishedEncoder(config: Config): EncoderModel | undefined {
  const architecture = encoders.get(String(config['model_type']))
  if (!architecture) return undefined
  const [kind, expected] = [classOf(config), ENCODER_CLASSES[architecture.name]!]
  if (kind !== undefined && !expected.includes(kind) && !taskOf(kind))
    throw new ImportError(
      `config.json: architectures: expected one of ${[...expected, ...TASKS.keys()].join(', ')}, got ${kind}: its head is not done`,
    )
  return architecture.model(optionsOf(architecture, encoderNames(config)))
}

/** What a classifier of text is besides its encoder; undefined where the configuration is of none. Throws ImportError. */
export function readPublishedClassifier(config: Config): PublishedClassifier | undefined {
  const task = taskOf(classOf(config) ?? '')
  if (!task || !encoders.has(String(config['model_type']))) return undefined
  const labels = labelsOf(config)
  const kind = config['problem_type'] ?? (labels.length === 1 ? 'multi_label_classification' : SINGLE_LABEL)
  const activation = ACTIVATIONS_OF.get(kind)
  if (activation === undefined)
    throw new ImportError(
      `config.json: problem_type: expected one of ${[...ACTIVATIONS_OF.keys()].join(', ')}, got ${JSON.stringify(kind)}`,
    )
  return { task, labels, activation: task === 'token' ? 'softmax' : activation }
}

export interface PublishedClassifier {
  readonly task: Task
  readonly labels: readonly string[]
  /** From logits to scores, as transformers' pipelines do it. */
  readonly activation: 'softmax' | 'sigmoid' | 'none'
}

/** Classes whose encoder is all that is used of them: heads that predict masked words and sentences are left out. */
const ENCODER_CLASSES: Readonly<Record<string, readonly string[]>> = {
  bert: ['BertModel', 'BertForMaskedLM', 'BertForPreTraining'],
  modernbert: ['ModernBertModel', 'ModernBertForMaskedLM'],
  'deberta-v2': ['DebertaV2Model', 'DebertaV2ForMaskedLM'],
}

/** Ends of the names of classes with a head for labels. */
const TASKS: ReadonlyMap<string, Task> = new Map([
  ['ForSequenceClassification', 'sequence'],
  ['ForTokenClassification', 'token'],
])
const SINGLE_LABEL = 'single_label_classification'
const ACTIVATIONS_OF: ReadonlyMap<unknown, PublishedClassifier['activation']> = new Map([
  [SINGLE_LABEL, 'softmax'],
  ['multi_label_classification', 'sigmoid'],
  ['regression', 'none'],
])

const classOf = ({ architectures }: Config): string | undefined =>
  Array.isArray(architectures) && architectures.length > 0 ? String(architectures[0]) : undefined

const taskOf = (kind: string): Task | undefined => [...TASKS].find(([end]) => kind.endsWith(end))?.[1]

/** Labels by their number; those that have no name are called as transformers calls them. */
function labelsOf({ id2label: named, num_labels: count }: Config): string[] {
  const names = new Map(Object.entries((named ?? {}) as Readonly<Record<string, unknown>>))
  const size = names.size > 0 ? names.size : typeof count === 'number' ? count : 2
  return Array.from({ length: size }, (_, id) => {
    const name = names.get(String(id)) ?? (names.size > 0 ? undefined : `LABEL_${id}`)
    if (typeof name === 'string' && name !== '') return name
    throw new ImportError(`config.json: id2label: expected a name for each number below ${size}, got none for ${id}`)
  })
}

/** Older configurations write a list of texts as one, joined by bars. */
function encoderNames(config: Config): Config {
  const { pos_att_type: kinds } = config
  if (typeof kinds !== 'string') return config
  return { ...config, pos_att_type: kinds.split('|').map((kind) => kind.trim().toLowerCase()) }
}

/** Throws ImportError for a family or an option that is not known, and ConfigError for a value that cannot be. */
export function readPublishedConfig(config: Config): PublishedModel {
  const flat = flatten(config)
  const type = String(flat['model_type'])
  const family = OTHER_NAMES[type] ?? type
  const architecture = families.get(family)
  if (!architecture)
    throw new ImportError(
      `config.json: model_type: expected one of ${[...families.keys(), ...encoders.keys()].join(', ')}, got ${JSON.stringify(flat['model_type'] ?? null)}`,
    )
  const known = withDefaults(type, family, oneName(family, flat))
  const named = withRope(family, (special[family] ?? ((c) => c))(known))
  const options = optionsOf(architecture, named)
  const positions = known['max_position_embeddings'] ?? known['n_positions'] ?? known['model_max_length']
  const maxPositions = typeof positions === 'number' && positions > 0 ? positions : null
  return { family, model: architecture.model(options), maxPositions }
}

/** What an architecture takes of a configuration. Throws ImportError for what it does not take and cannot leave out. */
function optionsOf({ name: family, fields }: { name: string; fields: Fields }, config: Config): Config {
  const options: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(config)) {
    if (value === null || value === undefined) continue
    if (Object.hasOwn(fields, name)) options[name] = finite(value)
    else if (!cannotChange(family, name, value))
      throw new ImportError(`config.json: ${name}: ${JSON.stringify(value)} is not known for ${family}`)
  }
  return options
}

/** Qwen3-MoE's experts are counted by either of two names. */
function oneName(family: string, config: Config): Config {
  const { num_local_experts: experts, ...rest } = config
  return family === 'qwen3_moe' && experts !== undefined ? { num_experts: experts, ...rest } : config
}

/** The text model of a wrapper configuration; what the wrapper says of the whole counts where the text has nothing. */
function flatten(config: Config): Config {
  const text = config['text_config']
  if (typeof text !== 'object' || text === null) return config
  const { tie_word_embeddings: tied } = config
  return { ...(tied === undefined ? {} : { tie_word_embeddings: tied }), ...(text as Config) }
}

/** JSON has no infinity: a bound of the largest float32 bounds nothing. */
const finite = (value: unknown): unknown =>
  Array.isArray(value) ? value.map(finite) : value === Infinity ? NO_BOUND : value

/** transformers 4 has `rope_theta` and `rope_scaling`, transformers 5 has `rope_parameters`. */
function withRope(family: string, config: Config): Config {
  const {
    rope_theta: theta,
    rope_scaling: scaling,
    partial_rotary_factor: partial,
    rope_local_base_freq: local,
    ...rest
  } = config
  const given = kindOf((config['rope_parameters'] ?? {}) as Config)
  const old: Record<string, unknown> = { ...kindOf((scaling ?? {}) as Config) }
  if (theta !== undefined) old['rope_theta'] = theta
  if (partial !== undefined && partial !== null) old['partial_rotary_factor'] = partial
  if (family === 'gemma3' && given['full_attention'] === undefined) {
    const sliding = { rope_theta: local ?? 10_000, rope_type: 'default' }
    return {
      ...rest,
      rope_parameters: { full_attention: { rope_theta: 1_000_000, ...old, ...given }, sliding_attention: sliding },
    }
  }
  const all = { ...old, ...given }
  return Object.keys(all).length === 0 ? rest : { ...rest, rope_parameters: all }
}

/** `rope_type` was called `type`; some configurations have both. */
function kindOf({ type, ...rope }: Config): Config {
  return type === undefined || rope['rope_type'] !== undefined ? rope : { ...rope, rope_type: type }
}

/** Options that a family has by other names, or writes in another way. */
const special: Readonly<Record<string, (config: Config) => Config>> = {
  granitemoehybrid: (c) => ({ ...c, layer_types: kindNames(c['layer_types'] ?? c['layers_block_type']) }),
  nemotron_h({ hybrid_override_pattern: pattern, ...c }) {
    const letters: Readonly<Record<string, string>> = {
      M: 'linear_attention',
      '*': 'full_attention',
      '-': 'mlp',
      E: 'moe',
    }
    if (typeof pattern !== 'string') return { ...c, layers_block_type: kindNames(c['layers_block_type']) }
    const layers = pattern.split('').map((letter) => {
      if (!letters[letter])
        throw new ImportError(`config.json: hybrid_override_pattern: expected letters M, *, - and E, got ${letter}`)
      return letters[letter]
    })
    return { ...c, layers_block_type: layers }
  },
  kimi_linear({ linear_attn_config: linear, first_k_dense_replace: first, moe_layer_freq: every, ...c }) {
    if (typeof linear !== 'object' || linear === null) return c
    const {
      full_attn_layers: full,
      head_dim,
      num_heads,
      short_conv_kernel_size,
    } = linear as Readonly<Record<string, unknown>>
    const layers = Array.from({ length: Number(c['num_hidden_layers']) }, (_, i) => i)
    const isSparse = (i: number): boolean => i >= Number(first ?? 0) && i % Number(every ?? 1) === 0
    return {
      layer_types: layers.map((i) =>
        // The lists count from 1.
        Array.isArray(full) && full.includes(i + 1) ? 'full_attention' : 'linear_attention',
      ),
      mlp_layer_types: layers.map((i) => (isSparse(i) ? 'sparse' : 'dense')),
      linear_head_dim: head_dim,
      linear_num_heads: num_heads,
      linear_conv_kernel_dim: short_conv_kernel_size,
      ...c,
    }
  },
  lfm2: lfmLayers,
  lfm3: lfmLayers,
  gemma3({ sliding_window_pattern: every, ...c }) {
    if (typeof every !== 'number' || Array.isArray(c['layer_types'])) return c
    return { ...c, layer_types: layersOf(c, (i) => ((i + 1) % every === 0 ? 'full_attention' : 'sliding_attention')) }
  },
  // Where single layers have options of their own, what full layers have in common is among them.
  gemma4({ global_head_dim: wide, num_global_key_value_heads: few, ...c }) {
    if (c['per_layer_config'] !== undefined) return c
    return { ...c, global_head_dim: wide ?? 512, ...(few === undefined ? {} : { num_global_key_value_heads: few }) }
  },
}

const layersOf = <K>(c: Config, kind: (layer: number) => K): K[] =>
  Array.from({ length: Number(c['num_hidden_layers']) }, (_, i) => kind(i))

function kindNames(kinds: unknown): unknown {
  const names: Readonly<Record<string, string>> = { mamba: 'linear_attention', attention: 'full_attention' }
  return Array.isArray(kinds) ? kinds.map((kind) => names[String(kind)] ?? kind) : kinds
}

/** Old LFM2 folders list the numbers of the attention layers, and have other names. */
function lfmLayers({ full_attn_idxs: full, block_ff_dim: width, block_norm_eps: eps, ...c }: Config): Config {
  const layers = Array.from({ length: Number(c['num_hidden_layers']) }, (_, i) => i)
  return {
    ...(width === undefined ? {} : { intermediate_size: width }),
    ...(eps === undefined ? {} : { norm_eps: eps }),
    ...(Array.isArray(full) ? { layer_types: layers.map((i) => (full.includes(i) ? 'full_attention' : 'conv')) } : {}),
    ...c,
  }
}
