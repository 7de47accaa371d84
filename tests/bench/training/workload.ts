/** What every contender trains: the same Transformer, the same first weights, the same batches. */
import { parseArgs } from 'node:util'
import { createModel } from '../../../models/registry.ts'
import type { Device } from '../../../runtime/device.ts'
import { type Batch, emptyBatch } from '../../../trainer/data/batch.ts'
import { Random } from '../../../trainer/random.ts'
import type { Precision } from '../../../trainer/backends/compile/emit.ts'
import { backendOptions } from '../../support/backend-options.ts'

export const SEED = 1
export const RATE = 1e-3

/** The embedding is tied. Every batch starts anew, so attention over a window as long is plain causal attention. */
const sizes = {
  /** 5.8 million parameters. */
  small: { batch: 8, time: 128, config: { vocab: 4096, width: 256, layers: 6, heads: 4, window: 128, hidden: 688 } },
  /** 91 million parameters, as GPT-2's smallest but for its vocabulary. */
  large: {
    batch: 16,
    time: 512,
    config: { vocab: 8192, width: 768, layers: 12, heads: 12, window: 512, hidden: 2048 },
  },
} as const

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    device: { type: 'string', default: 'cpu' },
    precision: { type: 'string', default: 'float32' },
    size: { type: 'string', default: 'small' },
  },
})
/** What is left of the command line after --device, --precision and --size. */
export const rest = positionals
/** Those options, for the processes of contenders. */
export const choice = ['--device', values.device, '--precision', values.precision, '--size', values.size]

const size = sizes[values.size as keyof typeof sizes]
if (!size) throw new Error(`--size: expected ${Object.keys(sizes).join(' or ')}, got ${values.size}`)
export const { batch: BATCH, time: TIME, config } = size
export const TOKENS = BATCH * TIME

export const options = backendOptions(createModel('vanilla', config), {
  batch: BATCH,
  sequenceLength: TIME,
  carry: false,
  threads: 2,
  device: values.device as Device,
  precision: values.precision as Precision,
  // PyTorch adds in any order too, unless told otherwise
  deterministic: values.device !== 'cuda',
})

/** Random tokens, each followed by the next. */
export const batches: readonly Batch[] = Array.from({ length: 8 }, (_, seed) => {
  const random = new Random(`bench ${seed}`)
  const batch = emptyBatch(BATCH, TIME)
  const stream = Array.from({ length: TOKENS + 1 }, () => random.int(config.vocab))
  batch.ids.set(stream.slice(0, -1))
  batch.targets.set(stream.slice(1))
  batch.weights.fill(1)
  return batch
})
