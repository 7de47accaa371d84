/** Holds the stages of a decoder to the whole one, and counts how often the exit says what the last layer says. */
import type { Graph } from '../runtime/graph.ts'
import { openDecoder } from '../runtime/decoder.ts'
import { openGraph } from '../runtime/open-graph.ts'
import { createTensor, type Tensor } from '../runtime/tensor.ts'
import type { DecoderGraph } from './decoder.ts'
import { CUT, type Stage, type Stages } from './stages.ts'
import { difference, type Difference, TOLERANCE, VerificationError } from './verify.ts'

export interface StagesCheck {
  /** Logits of the late stage after the early one, against those of the whole decoder: 0 means the same bits. */
  readonly staged: Difference
  /** The share of tokens of which the exit's likeliest next one is that of the last layer. */
  readonly agreement: number
}

/**
 * Runs ids through the whole decoder, and through the early and the late stage, which share one state. Throws
 * VerificationError where their logits differ by more than rounding.
 */
export async function checkStages(whole: DecoderGraph, stages: Stages, ids: readonly number[]): Promise<StagesCheck> {
  const decoder = await openDecoder(whole.bytes, whole.state)
  const early = await openGraph(stages.early.bytes)
  const late = await openGraph(stages.late.bytes)
  try {
    const expected = (await decoder.run([ids], decoder.start(1))).logits.data as Float32Array
    const logits = await callStages({ early, late }, stages, ids, decoder.vocab)
    const { absolute, relative } = difference(logits.late.data, expected)
    if (!(relative <= TOLERANCE))
      throw new VerificationError(
        `stages: expected logits within ${TOLERANCE} of the whole decoder's largest one, got ${relative.toExponential(2)}`,
      )
    return {
      staged: { absolute, relative },
      agreement: agreementOf(logits.early.data, expected, decoder.vocab),
    }
  } finally {
    decoder.close()
    early.close()
    late.close()
  }
}

/** One call of each stage on all ids, from the zero state. */
async function callStages(
  graphs: { early: Graph; late: Graph },
  stages: Stages,
  ids: readonly number[],
  vocab: number,
) {
  const time = ids.length
  const width = Number(stages.early.outputs.find(({ name }) => name === CUT)!.shape.at(-1))
  const cut = createTensor('float32', [1, time, width])
  const logits = { early: createTensor('float32', [1, time, vocab]), late: createTensor('float32', [1, time, vocab]) }
  const given: Record<string, Tensor> = {
    ids: createTensor('int32', [1, time], Int32Array.from(ids)),
    logits_from: createTensor('int64', [], BigInt64Array.of(0n)),
    positions: createTensor('int32', [1]),
  }
  for (const stage of ['early', 'late'] as const) {
    const { inputs, outputs } = memoryOf(stages[stage], time)
    const named = stages[stage].inputs.flatMap(({ name }) => (given[name] ? [[name, given[name]] as const] : []))
    const cutIn = stage === 'late' ? { [CUT]: cut } : {}
    const cutOut = stage === 'early' ? { [CUT]: cut } : {}
    const binding = graphs[stage].bind(
      { ...Object.fromEntries(named), ...cutIn, ...inputs },
      { logits: logits[stage], ...cutOut, ...outputs },
    )
    await binding.run()
    binding.release()
  }
  return logits
}

/** A zero state, and memory for the one after it: the same for caches, which are written in place. */
function memoryOf({ inputs, state }: Stage, capacity: number) {
  const before = inputs.filter(({ name }) => name.startsWith('state.'))
  const made = Object.fromEntries(
    before.map(({ name, dtype, shape }) => [name, createTensor(dtype, [1, ...sizes(shape, capacity)])]),
  )
  const after = state.map(({ input, output, dtype, shape, kind }) => [
    output,
    kind === 'append' && made[input] ? made[input] : createTensor(dtype, [1, ...sizes(shape, capacity)]),
  ])
  return { inputs: made, outputs: Object.fromEntries(after) as Record<string, Tensor> }
}

const sizes = (shape: readonly (number | string)[], capacity: number): number[] =>
  shape.slice(1).map((size) => (typeof size === 'number' ? size : capacity))

function agreementOf(exit: Float32Array, last: Float32Array, vocab: number): number {
  const tokens = last.length / vocab
  const likeliest = (logits: Float32Array, at: number): number => {
    const row = logits.subarray(at * vocab, (at + 1) * vocab)
    return row.indexOf(row.reduce((a, b) => Math.max(a, b)))
  }
  let same = 0
  for (let at = 0; at < tokens; at++) if (likeliest(exit, at) === likeliest(last, at)) same++
  return same / tokens
}
