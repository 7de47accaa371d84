/**
 * `npx tsx tests/bench/experts.ts [--shape D,E,I,k] [--threads N] [--rounds N]`: milliseconds of one mixture of experts:
 * all experts on all tokens, the chosen ones only, and ONNX Runtime's own operators for it. Medians of interleaved rounds.
 */
import { parseArgs } from 'node:util'
import { chosenExperts, type ExpertMatrices } from '../../exporter/expert-kernels.ts'
import { BLOCK } from '../../exporter/import/pack-blocks.ts'
import { packedProduct, product } from '../../exporter/import/products.ts'
import { decoderOps } from '../../exporter/kernels.ts'
import { GraphBuilder, type Port, type Value } from '../../exporter/onnx/graph.ts'
import type { MixtureOfExperts, Ops } from '../../models/ops.ts'
import { openGraph } from '../../runtime/open-graph.ts'
import { createTensor } from '../../runtime/tensor.ts'
import { Random } from '../../trainer/random.ts'

const { values: options } = parseArgs({
  options: {
    shape: { type: 'string', default: '1024,64,512,8' },
    threads: { type: 'string', default: '2' },
    rounds: { type: 'string', default: '15' },
  },
})
const [width, experts, hidden, top] = options.shape.split(',').map(Number) as [number, number, number, number]
const rows = 2 * hidden
const random = new Random(1)

/** 4-bit blocks [experts, rows, columns], and the same numbers in float32. */
function blocksOf(count: number, columns: number) {
  const q = Uint8Array.from({ length: (experts * count * columns) / 2 }, () => random.int(256))
  const scales = new Float32Array((experts * count * columns) / BLOCK).fill(0.2 / Math.sqrt(columns))
  const level = (i: number): number => (i % 2 === 0 ? q[i >> 1]! & 15 : q[i >> 1]! >> 4)
  const floats = Float32Array.from({ length: experts * count * columns }, (_, i) => scales[0]! * (level(i) - 8))
  return { rows: count, columns, q, scales, floats }
}
const [up, down] = [blocksOf(rows, width), blocksOf(width, hidden)]
type Blocks = typeof up
type Build = (graph: GraphBuilder, op: Ops<Value>, x: MixtureOfExperts<Value>) => Value

const float = (graph: GraphBuilder, name: string, { rows, columns, floats }: Blocks): Value =>
  graph.initializer(name, 'float32', [experts, rows, columns], floats)

function matricesOf(graph: GraphBuilder, name: string, { rows, columns, q, scales, floats }: Blocks, bits: 4 | 32) {
  const part = <A extends Uint8Array | Float32Array>(of: A, expert: number): A =>
    of.subarray((expert * of.length) / experts, ((expert + 1) * of.length) / experts) as A
  const blocks = columns / BLOCK
  const matrices: ExpertMatrices = {
    prepare: (x) => x,
    multiply(x, e) {
      if (bits === 32)
        return product(graph, x, graph.initializer(`${name}.${e}`, 'float32', [rows, columns], part(floats, e)))
      const numbers = graph.initializer(`${name}.${e}.q`, 'uint8', [rows, blocks, BLOCK / 2], part(q, e))
      const steps = graph.initializer(`${name}.${e}.scales`, 'float32', [rows, blocks], part(scales, e))
      return packedProduct(graph, x, [numbers, steps], rows, { bits: 4, block: BLOCK, width: columns, zeros: false })
    },
    alone: bits === 4,
  }
  return matrices
}

const chosen =
  (bits: 4 | 32): Build =>
  (graph, _, x) =>
    chosenExperts(graph, x, matricesOf(graph, 'up', up, bits), matricesOf(graph, 'down', down, bits))

/** ONNX Runtime's operator. It takes gate and up in turns: here they are in another order, which costs the same. */
function operator(type: 'MoE' | 'QMoE'): Build {
  const quantised = type === 'QMoE'
  return (graph, op, x) => {
    const packed = (name: string, { rows, columns, q, scales }: Blocks): Value[] => [
      graph.initializer(`${name}.q`, 'uint8', [experts, rows, columns / 2], q),
      graph.initializer(`${name}.scales`, 'float32', [experts, rows, columns / BLOCK], scales),
    ]
    const matrix = (name: string, blocks: Blocks): (Value | undefined)[] => [
      ...(quantised ? packed(name, blocks) : [float(graph, name, blocks)]),
      undefined,
    ]
    const router = op.reshape(x.share, [-1, experts])
    const inputs = [x.x, router, ...matrix('up', up), ...matrix('down', down)]
    const attributes = {
      k: { int: top },
      activation_type: { string: 'swiglu' },
      swiglu_fusion: { int: 1 },
      activation_alpha: { float: 1 },
      ...(quantised ? { expert_weight_bits: { int: 4 }, block_size: { int: BLOCK } } : {}),
    }
    return graph.node(type, inputs, attributes, 1, 'com.microsoft')[0]!
  }
}

const forms: Readonly<Record<string, Build>> = {
  'all experts, float32': (graph, op, x) =>
    op.mixtureOfExperts({ ...x, up: float(graph, 'up', up), down: float(graph, 'down', down) }),
  'chosen experts, float32': chosen(32),
  'chosen experts, 4 bits': chosen(4),
  'MoE of ONNX Runtime, float32': operator('MoE'),
  'QMoE of ONNX Runtime, 4 bits': operator('QMoE'),
}

async function open(build: Build) {
  const graph = new GraphBuilder()
  const op = decoderOps({ at: graph }, 'fused')
  const [x, share, mask] = ['x', 'share', 'chosen'].map((name) => ({ name })) as [Value, Value, Value]
  const mixture: MixtureOfExperts<Value> = {
    x,
    share,
    chosen: mask,
    up: { name: 'up' },
    down: { name: 'down' },
    experts,
    top,
    width,
    rows,
    hidden,
    activate(inner) {
      const [gate, other] = op.split(inner, [hidden, hidden], -1) as [Value, Value]
      return op.mul(op.silu(gate), other)
    },
  }
  graph.output(build(graph, op, mixture), 'y')
  const port = (name: string, size: number): Port => ({ name, dtype: 'float32', shape: ['batch', 'time', size] })
  const read = graph.readNames()
  const inputs = [port('x', width), port('share', experts), port('chosen', experts)].filter(({ name }) =>
    read.has(name),
  )
  const opened = await openGraph(graph.model('experts', inputs, [port('y', width)]), {
    threads: Number(options.threads),
  })
  return { opened, names: inputs.map(({ name }) => name) }
}

const opened: [form: string, Awaited<ReturnType<typeof open>>][] = []
for (const [form, build] of Object.entries(forms)) opened.push([form, await open(build)])
const calls = [
  ['a token', 1, 1],
  ['8 rows of a token', 8, 1],
  ['a prompt of 128', 1, 128],
] as const
const table = new Map<string, string[]>(opened.map(([form]) => [form, []]))
for (const [, batch, time] of calls) {
  const inputs = {
    x: createTensor('float32', [batch, time, width]),
    share: createTensor('float32', [batch, time, experts]),
    chosen: createTensor('float32', [batch, time, experts]),
  }
  for (let i = 0; i < inputs.x.data.length; i++) inputs.x.data[i] = random.normal()
  for (let token = 0; token < batch * time; token++)
    for (let of = 0; of < top;) {
      const at = token * experts + random.int(experts)
      if (inputs.chosen.data[at] === 1) continue
      inputs.chosen.data[at] = 1
      inputs.share.data[at] = 1 / top
      of++
    }
  const bound = opened.map(([form, { opened, names }]) => {
    const given = Object.fromEntries(Object.entries(inputs).filter(([name]) => names.includes(name)))
    return {
      form,
      times: [] as number[],
      binding: opened.bind(given, { y: createTensor('float32', [batch, time, width]) }),
    }
  })
  for (let round = 0; round < Number(options.rounds); round++)
    for (const { binding, times } of bound) {
      const began = performance.now()
      await binding.run()
      times.push(performance.now() - began)
    }
  for (const { form, times } of bound)
    table.get(form)!.push(times.toSorted((a, b) => a - b)[times.length >> 1]!.toFixed(2))
}
console.log(`${experts} experts of ${hidden}, ${top} a token, width ${width}; ms\n`)
console.log(`| | ${calls.map(([name]) => name).join(' | ')} |\n|---|${calls.map(() => '---|').join('')}`)
for (const [form, times] of table) console.log(`| ${form} | ${times.join(' | ')} |`)
