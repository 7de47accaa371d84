/** What the nodes of a published decoder say: how its caches grow, what makes its logits, and what cannot be served. */
import type { FileNode, ModelFile } from '../../onnx/model-file.ts'
import { renamedNode } from '../../onnx/edit-model.ts'
import { ImportError } from '../import-error.ts'
import type { DecoderPorts } from './decoder-ports.ts'
import type { CacheForm, Head } from './drive-decoder.ts'

/** Inputs and outputs of GroupQueryAttention (com.microsoft). */
const GQA = { type: 'GroupQueryAttention', past: [3, 4], present: [1, 2], angles: [7, 8] } as const

/** Kernels that cannot keep conversations apart, and what is served instead. */
const REFUSED: Readonly<Record<string, string>> = {
  DynamicQuantizeLinear: roundsTogether(),
  DynamicQuantizeMatMul: roundsTogether(),
  PagedAttention: 'expected a cache for each conversation; build the model without paged attention',
}

function roundsTogether(): string {
  return (
    'it rounds the numbers of a token by those of all others in the call, so that what a conversation reads would ' +
    'depend on the others; expected weights in blocks (model_q4.onnx) or in float32 (model.onnx)'
  )
}

/** Names of inputs and outputs that are served, and of what is added to the graph. */
const OURS = /^(?:ids|positions|logits_from|state\..*|next\..*|mneme\/.*)$/

const OLDEST = { irVersion: 4, opset: 12 }

/** Throws ImportError for a graph with a node that cannot be served, by its name. */
export function refuseNodes({ path, irVersion, opset, inputs, nodes, innerNodes }: ModelFile): void {
  if (irVersion < OLDEST.irVersion || opset < OLDEST.opset)
    throw new ImportError(
      `${path}: expected IR version ${OLDEST.irVersion} and opset ${OLDEST.opset} or newer, got ${irVersion} and ${opset}`,
    )
  for (const { type, attributes, outputs } of [...nodes, ...innerNodes]) {
    const reason = REFUSED[type]
    if (reason !== undefined) throw new ImportError(`${path}: ${type}: ${reason}`)
    if (type === GQA.type && Number(attributes.get('sliding_window_cache') ?? 0) > 0)
      throw new ImportError(
        `${path}: ${outputs[0]}: sliding_window_cache: expected a cache of all positions, got one of a window`,
      )
  }
  const taken = [...inputs, ...nodes.flatMap((node) => node.outputs.map((name) => ({ name })))].find(({ name }) =>
    OURS.test(name),
  )
  if (taken)
    throw new ImportError(`${path}: ${taken.name}: expected another name: the served graph has it for an input`)
  const made = producers(nodes)
  for (const { type, inputs } of nodes)
    if (type === GQA.type)
      for (const at of GQA.angles)
        if (made.get(inputs[at] ?? '')?.type === 'If')
          throw new ImportError(
            `${path}: ${inputs[at]}: expected one table of angles, got a choice by the length of the longest row`,
          )
}

/** Throws ImportError where some caches are shared and others joined, or where a shared one is read by other nodes too. */
export function cacheForm({ path, nodes }: ModelFile, { caches, mask }: DecoderPorts): CacheForm {
  const made = producers(nodes)
  const forms = caches
    .filter(({ kind }) => kind === 'append')
    .map(({ input, output }): [name: string, form: CacheForm] => {
      const readers = nodes.filter(({ inputs }) => inputs.includes(input))
      const attention = made.get(output)
      if (attention?.type !== GQA.type) return [input, 'joined']
      const side = GQA.present.findIndex((at) => attention.outputs[at] === output)
      const others = readers.filter((reader) => reader !== attention || reader.inputs[GQA.past[side]!] !== input)
      if (others.length > 0)
        throw new ImportError(
          `${path}: ${input}: expected its GroupQueryAttention alone to read it, got ${others.map(({ type }) => type).join(', ')}`,
        )
      return [input, 'shared']
    })
  const [first] = forms
  const other = forms.find(([, form]) => form !== first![1])
  if (other)
    throw new ImportError(`${path}: ${other[0]}: expected a cache that grows like ${first![0]}, got another kind`)
  if (first?.[1] === 'joined' && !mask)
    throw new ImportError(
      `${path}: attention_mask: expected it among the inputs, got none: rows of several lengths could not share a call`,
    )
  return first?.[1] ?? 'shared'
}

/** The node that makes the logits. */
export function headOf(model: ModelFile, { logits }: DecoderPorts): Head & { readonly node: FileNode } {
  const { path, nodes, innerNodes } = model
  const node = producers(nodes).get(logits.name)
  const reader = [...nodes, ...innerNodes].find(({ inputs }) => inputs.includes(logits.name))
  if (!node || reader)
    throw new ImportError(
      `${path}: ${logits.name}: expected a node's output that no other reads, got ${reader?.type ?? 'no node that makes it'}`,
    )
  const product = node.type === 'MatMul' || node.type === 'MatMulNBits'
  return { node, hidden: product ? node.inputs[0]! : undefined, renamed: (names) => renamedNode(model, node, names) }
}

/** Rows of the shortest table of angles that an attention or rotation looks its positions up in. */
export function rowsOfAngles({ nodes, initializers }: ModelFile): number | null {
  const rows = nodes.flatMap(({ type, inputs }) => {
    const at = type === GQA.type ? 7 : type === 'RotaryEmbedding' ? 2 : undefined
    const table = at === undefined ? undefined : initializers.get(inputs[at] ?? '')
    return table?.dims.length === 2 ? [table.dims[0]!] : []
  })
  return rows.length === 0 ? null : Math.min(...rows)
}

const producers = (nodes: readonly FileNode[]): ReadonlyMap<string, FileNode> =>
  new Map(nodes.flatMap((node) => node.outputs.map((name) => [name, node] as const)))
