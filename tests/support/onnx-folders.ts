/**
 * Published models of the fixtures as ONNX folders, with the inputs and outputs that other projects give them. The bodies
 * are traced from our families; names, types, masks and files are those of
 *
 * - transformers.js: onnx/model.onnx, weights in model.onnx_data, `input_ids`, `attention_mask`, `position_ids`,
 *   `past_key_values.N.key` to `present.N.key`, `past_conv.N` and `past_recurrent.N` to `present_*` (getPastKeyValues in
 *   src/models/modeling_utils.js), `num_logits_to_keep` (setNumLogitsToKeep in the same file);
 * - onnxruntime-genai: model.onnx, weights in model.onnx.data, genai_config.json (make_genai_config in
 *   src/python/py/models/builders/base.py), `past_key_values.N.recurrent_state` and `conv_state` (builders/qwen.py), keys
 *   whose last size is the symbol `kv_cache_dim`, lengths of GroupQueryAttention from the mask
 *   (make_attention_mask_reformatting_for_gqa), no `position_ids`.
 *
 * `joined` caches are those of models that optimum exports: present keys are past keys and new ones, prompts are padded on
 * the left, and the mask says where.
 */
import { cpSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { bindTensors } from '../../exporter/import/bind.ts'
import { ImportedWeights } from '../../exporter/import/imported-weights.ts'
import { readPublished } from '../../exporter/import/read-published.ts'
import { openSource } from '../../exporter/import/sources/source.ts'
import { chooseFormats } from '../../exporter/import/weight-formats.ts'
import { decoderOps } from '../../exporter/kernels.ts'
import { ExternalWeights } from '../../exporter/onnx/external-weights.ts'
import { GraphBuilder, type Port, type Value } from '../../exporter/onnx/graph.ts'
import type { Model } from '../../models/architecture.ts'
import { fill, flatten, grows, leaves } from '../../models/spec.ts'
import { fixtures } from './published.ts'

export interface OnnxForm {
  readonly convention: 'transformers.js' | 'genai'
  readonly caches: 'shared' | 'joined'
  /** Whether the graph has the input num_logits_to_keep. */
  readonly keep?: boolean
  /** Whether all is computed in a branch, chosen by use_cache_branch, as optimum merges a graph with a past and one without. */
  readonly merged?: boolean
  /** Sizes before batch and time of position_ids, as of models for images whose rotation has several axes: [3]. */
  readonly axes?: readonly number[]
  /** Whether the table of the tokens' vectors is a graph of its own, as of models for images. */
  readonly embedding?: boolean
  /** Whether past and present, and the vectors of tokens, are in float16. */
  readonly half?: boolean
  /** How weights are stored; in float32 without. */
  readonly quantization?: 'int8' | 'int4'
  /** Of the files' names. */
  readonly suffix?: string
}

interface Cache {
  readonly path: string
  readonly input: string
  readonly output: string
  readonly shape: readonly (number | string)[]
}

/**
 * Writes the folder into `folder` and returns the path of its graph. `published` is the name of a fixture, or the path of a folder
 * or a GGUF file; of the last one no tokenizer is written.
 */
export async function writeOnnxFolder(folder: string, published: string, form: OnnxForm): Promise<string> {
  const from = resolve(fixtures, 'models', published)
  const source = await openSource(from)
  const { model, maxPositions } = await readPublished(source)
  const bindings = bindTensors(model, source.tensors)
  const genai = form.convention === 'genai'
  const inside = genai ? folder : join(folder, 'onnx')
  mkdirSync(inside, { recursive: true })
  const base = form.embedding ? 'decoder_model_merged' : 'model'
  const file = `${base}${form.suffix ?? ''}.onnx`
  const data = genai ? 'model.onnx.data' : `${file}_data`
  const graph = new GraphBuilder()
  const external = new ExternalWeights(graph, data)
  const cursor = { at: graph }
  const formats = chooseFormats(form.quantization ?? 'none', bindings, source.tensors)
  const weights = new ImportedWeights(cursor, external, model, bindings, source.tensors, formats)
  const kernels = form.caches === 'shared' ? 'fused' : 'portable'
  const op = { ...decoderOps(cursor, kernels, maxPositions), ...weights.overrides }
  if (form.embedding) op.gather = (table, ids) => embeddedOr(graph, form, table) ?? weights.overrides.gather(table, ids)
  const { inputs, outputs } = trace(graph, op, model, form)
  weights.finish()
  // Our kernels read `positions`, a name that is an input's of what we serve; the one here has as many letters.
  const bytes = Buffer.from(graph.model('main_graph', inputs, outputs)).toString('latin1')
  writeFileSync(join(inside, file), Buffer.from(bytes.replaceAll('positions', 'past_lens'), 'latin1'))
  await external.write(join(inside, data), () => {})
  if (form.embedding) {
    const own = `embed_tokens${form.suffix ?? ''}.onnx`
    const embedding = new GraphBuilder()
    const table = new ExternalWeights(embedding, `${own}_data`)
    const stored = new ImportedWeights({ at: embedding }, table, model, bindings, source.tensors, formats)
    writeFileSync(join(inside, own), embeddingGraph(embedding, stored, model, form))
    await table.write(join(inside, `${own}_data`), () => {})
  }
  await source.tensors.close()
  const files = statSync(from).isDirectory() ? readdirSync(from) : []
  const copied = files.filter((name) => /^(?:tokenizer|generation_config|special_tokens)/.test(name))
  for (const name of copied) cpSync(join(from, name), join(folder, name))
  if (genai) writeGenaiConfig(folder, model, inputs, maxPositions)
  else writeFileSync(join(folder, 'config.json'), JSON.stringify(source.config, null, 2))
  return join(inside, file)
}

const EMBED = 'embed_tokens.weight'
const FLOAT16 = 10

/** The vectors that a decoder without its embedding reads. */
function embeddedOr(graph: GraphBuilder, { half }: OnnxForm, table: Value): Value | undefined {
  if (table.name !== EMBED) return undefined
  const given = { name: 'inputs_embeds' }
  return half ? graph.node('Cast', [given], { to: { int: 1 } })[0]! : given
}

/** Token ids in, their vectors out. A tied head has the same weights: here they get another name of as many letters. */
function embeddingGraph(graph: GraphBuilder, weights: ImportedWeights, model: Model, { half }: OnnxForm): Uint8Array {
  const ids = graph.node('Cast', [{ name: 'input_ids' }], { to: { int: 6 } })[0]!
  const rows = weights.overrides.gather({ name: EMBED }, ids)
  graph.output(half ? graph.node('Cast', [rows], { to: { int: FLOAT16 } })[0]! : rows, 'inputs_embeds')
  weights.finish()
  const tokens: Port = { name: 'input_ids', dtype: 'int64', shape: ['batch_size', 'sequence_length'] }
  const bytes = Buffer.from(graph.model('embedding', [tokens], [embedsPort(model, half)])).toString('latin1')
  const own = bytes.replaceAll(EMBED, EMBED.replace('.', '_')).replaceAll(/(Cast|Gather\w*|constant)_(\d)/g, '$1-$2')
  return Buffer.from(own, 'latin1')
}

const embedsPort = ({ width }: Model, half: boolean | undefined): Port => ({
  name: 'inputs_embeds',
  dtype: half ? 'float16' : 'float32',
  shape: ['batch_size', 'sequence_length', width],
})

function trace(
  graph: GraphBuilder,
  op: ReturnType<typeof decoderOps>,
  model: Model,
  form: OnnxForm,
): { inputs: Port[]; outputs: Port[] } {
  const node = (...args: Parameters<GraphBuilder['node']>): Value => graph.node(...args)[0] as Value
  const params = fill(model.params, (path): Value => ({ name: path }))
  const caches = cachesOf(model, form)
  const cast = (value: Value, to: number): Value => (form.half ? node('Cast', [value], { to: { int: to } }) : value)
  const named = new Map(caches.map(({ path, input }) => [path, cast({ name: input }, 1)]))
  // A decoder without its embedding reads of the ids how many there are.
  const tokens = form.embedding
    ? node('Gather', [{ name: 'inputs_embeds' }, graph.constant('int64', [], [0])], { axis: { int: 2 } })
    : { name: 'input_ids' }
  const ids = node('Cast', [tokens], { to: { int: 6 } })
  const past = form.axes ? pastOfAxes(graph, form.axes) : pastLengths(graph)
  const asFloat = node('Reshape', [node('Cast', [past], { to: { int: 1 } }), graph.constant('int64', [2], [-1, 1])])
  const positioned = form.convention === 'transformers.js'
  const before = fill(model.state, (path, { role }): Value => (role === 'position' ? asFloat : named.get(path)!))
  const done = model.forward<Value>(op, params, ids, before)
  const hidden = form.keep ? lastRows(graph, done.hidden) : done.hidden
  const after = leaves<Value>(model.state, done.state)
  const made: [Value, string][] = [
    [model.logits<Value>(op, params, hidden), 'logits'],
    ...caches.map(({ path, output }): [Value, string] => [cast(after.get(path)!, FLOAT16), output]),
  ]
  if (form.merged) nameInBranch(graph, made)
  else for (const [value, name] of made) graph.output(value, name)
  const ports = (name: (cache: Cache) => string): Port[] =>
    caches.map((cache) => ({ name: name(cache), dtype: form.half ? 'float16' : 'float32', shape: cache.shape }))
  const whole = (name: string, shape: Port['shape']): Port => ({ name, dtype: 'int64', shape })
  const inputs = [
    form.embedding ? embedsPort(model, form.half) : whole('input_ids', ['batch_size', 'sequence_length']),
    whole('attention_mask', ['batch_size', 'total_sequence_length']),
    ...(positioned ? [whole('position_ids', [...(form.axes ?? []), 'batch_size', 'sequence_length'])] : []),
    ...(form.merged ? [{ name: 'use_cache_branch', dtype: 'bool', shape: [1] } as const] : []),
    ...(form.keep ? [whole('num_logits_to_keep', [])] : []),
    ...ports(({ input }) => input),
  ]
  const logits: Port = { name: 'logits', dtype: 'float32', shape: ['batch_size', 'sequence_length', model.vocab] }
  const outputs = [logits, ...ports(({ output }) => output)]
  return { inputs, outputs: outputs.map((port) => presentPort(port)) }
}

/** Gives values their names through an If, whose branches read the values around it. */
function nameInBranch(graph: GraphBuilder, made: readonly [Value, string][]): void {
  const branch = () => {
    const body = graph.child()
    const results = made.map(([value]) => body.node('Identity', [value])[0]!)
    return { graph: () => body.encode('branch', [], results) }
  }
  const outputs = made.map(([, name]) => ({ name }))
  graph.nodeInto('If', [{ name: 'use_cache_branch' }], { then_branch: branch(), else_branch: branch() }, outputs)
}

/** Tokens that each row has been fed, int32 (B), as `positions`: what the mask has before the new ones. */
function pastLengths(graph: GraphBuilder): Value {
  const node = (...args: Parameters<GraphBuilder['node']>): Value => graph.node(...args)[0] as Value
  const filled = node('ReduceSum', [{ name: 'attention_mask' }, graph.constant('int64', [1], [1])], {
    keepdims: { int: 0 },
  })
  const time = node('Gather', [node('Shape', [{ name: 'input_ids' }]), graph.constant('int64', [], [1])])
  const past = node('Cast', [node('Sub', [filled, time])], { to: { int: 6 } })
  graph.output(past, 'positions')
  return { name: 'positions' }
}

/** The same of position_ids: the mean over all axes of the first new position. */
function pastOfAxes(graph: GraphBuilder, [axes = 1]: readonly number[]): Value {
  const node = (...args: Parameters<GraphBuilder['node']>): Value => graph.node(...args)[0] as Value
  const first = node('Gather', [{ name: 'position_ids' }, graph.constant('int64', [], [0])], { axis: { int: 2 } })
  const sum = node('ReduceSum', [first, graph.constant('int64', [1], [0])], { keepdims: { int: 0 } })
  const past = node('Cast', [node('Div', [sum, graph.constant('int64', [], [axes])])], { to: { int: 6 } })
  graph.output(past, 'positions')
  return { name: 'positions' }
}

/** The last num_logits_to_keep rows of (B, T, W), all where it is 0. */
function lastRows(graph: GraphBuilder, hidden: Value): Value {
  const node = (...args: Parameters<GraphBuilder['node']>): Value => graph.node(...args)[0] as Value
  const one = (value: number): Value => graph.constant('int64', [1], [value])
  const start = node('Reshape', [node('Neg', [{ name: 'num_logits_to_keep' }]), one(1)])
  return node('Slice', [hidden, start, one(2 ** 31 - 1), one(1)])
}

function cachesOf(model: Model, { convention }: OnnxForm): Cache[] {
  return flatten(model.state).flatMap(([path, spec]) => {
    if (spec.role === 'position') return []
    const layer = /\d+/.exec(path)![0]
    const leaf = path.split('.').at(-1)!
    if (grows(spec)) {
      const [name, channels] = [leaf === 'k' ? 'key' : 'value', spec.shape[3]!]
      const last = convention === 'genai' ? 'kv_cache_dim' : channels
      const shape = ['batch_size', spec.shape[1]!, 'past_sequence_length', last]
      return [{ path, input: `past_key_values.${layer}.${name}`, output: `present.${layer}.${name}`, shape }]
    }
    const shape = ['batch_size', ...spec.shape.slice(1).map(Number)]
    if (convention === 'genai') {
      const name = leaf === 'conv' ? 'conv_state' : leaf === 'memory' ? 'recurrent_state' : path.replaceAll('.', '_')
      return [{ path, input: `past_key_values.${layer}.${name}`, output: `present.${layer}.${name}`, shape }]
    }
    const name = leaf === 'conv' ? 'conv' : leaf === 'memory' ? 'recurrent' : path.replaceAll(/[.\d]+/g, '_')
    return [{ path, input: `past_${name}.${layer}`, output: `present_${name}.${layer}`, shape }]
  })
}

const presentPort = (port: Port): Port => ({
  ...port,
  shape: port.shape.map((size) => (size === 'past_sequence_length' ? 'total_sequence_length' : size)),
})

/** As make_genai_config writes it. */
function writeGenaiConfig(folder: string, model: Model, inputs: readonly Port[], maxPositions: number | null): void {
  const caches = flatten(model.state).filter(([, spec]) => grows(spec))
  const [, heads = 1, , size = 1] = caches[0]?.[1].shape ?? []
  const genai = {
    model: {
      bos_token_id: 1,
      ...(maxPositions === null ? {} : { context_length: maxPositions }),
      decoder: {
        session_options: { log_id: 'onnxruntime-genai', provider_options: [] },
        filename: 'model.onnx',
        head_size: size,
        hidden_size: model.width,
        inputs: {
          input_ids: 'input_ids',
          attention_mask: 'attention_mask',
          past_key_names: 'past_key_values.%d.key',
          past_value_names: 'past_key_values.%d.value',
        },
        outputs: { logits: 'logits', present_key_names: 'present.%d.key', present_value_names: 'present.%d.value' },
        num_attention_heads: heads,
        num_hidden_layers: new Set(inputs.map(({ name }) => /\d+/.exec(name)?.[0])).size - 1,
        num_key_value_heads: heads,
      },
      eos_token_id: 2,
      pad_token_id: 0,
      type: model.architecture,
      vocab_size: model.vocab,
    },
    search: { do_sample: true, temperature: 0.6, top_k: 50, top_p: 0.9, past_present_share_buffer: true },
  }
  writeFileSync(join(folder, 'genai_config.json'), JSON.stringify(genai, null, 4))
}
