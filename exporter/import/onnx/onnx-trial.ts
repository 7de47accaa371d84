/** Runs a driven decoder before it may be served: beside the graph as it was published, and with rows of other lengths. */
import { openDecoder, type Decoder, type State, type StateShape } from '../../../runtime/decoder.ts'
import { openGraph } from '../../../runtime/open-graph.ts'
import { createTensor, type Dtype, type Tensor } from '../../../runtime/tensor.ts'
import { difference } from '../../verify.ts'
import { ImportError } from '../import-error.ts'
import { TOLERANCE, trialIds, tryDecoder, type Trial } from '../trial.ts'
import type { DecoderPorts, IdPort } from './decoder-ports.ts'
import type { Embedding } from './embedding-graph.ts'

/** Tokens of the two rows that are fed together, which are as many as those of the trial. */
const RAGGED = [7, 17] as const

/** The graphs as they were published. */
export interface Published {
  /** Its file. */
  readonly decoder: string
  readonly embedding: Embedding | undefined
}

/** Throws ImportError where the decoder does not give what the published graphs give, or others for the same tokens. */
export async function tryDriven(
  file: string,
  state: readonly StateShape[],
  published: Published,
  ports: DecoderPorts,
  precision: 'exact' | 'rounded',
): Promise<Trial> {
  const { vocab } = ports.logits
  const trial = await tryDecoder(file, state, vocab, precision)
  const ids = trialIds(vocab)
  const expected = await publishedLogits(published, ports, ids)
  const decoder = await openDecoder(file, state)
  try {
    const { logits } = await decoder.run([ids], decoder.start(1))
    const asPublished = difference(logits.data as Float32Array, expected).relative
    const ragged = await raggedRows(decoder, ids)
    for (const [what, found] of Object.entries({ asPublished, ragged }))
      if (!(found <= TOLERANCE[precision]))
        throw new ImportError(
          `trial: ${what}: expected logits within ${TOLERANCE[precision]}, got ${found.toExponential(2)}`,
        )
    return { ...trial, asPublished, ragged }
  } finally {
    decoder.close()
  }
}

/** Logits of all ids from the graph as it was published, which is given no past. */
async function publishedLogits(
  published: Published,
  ports: DecoderPorts,
  ids: readonly number[],
): Promise<Float32Array> {
  const { mask, positions, logitsToKeep, cacheBranch, caches, logits } = ports
  const row = (port: IdPort | undefined, axes: readonly number[], value: (t: number) => number) =>
    port ? { [port.name]: numbers(port.dtype, [...axes, 1, ids.length], value) } : {}
  const idRow = row(ports.ids, [], (t) => ids[t]!)
  const inputs: Record<string, Tensor> = {
    ...(published.embedding ? await embedded(published.embedding, idRow) : idRow),
    ...row(mask, [], () => 1),
    ...row(positions, positions?.axes ?? [], (t) => t % ids.length),
    ...(logitsToKeep ? { [logitsToKeep.name]: numbers(logitsToKeep.dtype, [], () => 0) } : {}),
    ...(cacheBranch === undefined ? {} : { [cacheBranch]: createTensor('bool', [1], [0]) }),
  }
  for (const { input, dtype, shape } of caches)
    inputs[input] = createTensor(dtype, [1, ...shape.map((size) => (size === 'time' ? 0 : size))])
  const out = createTensor(logits.dtype, [1, ids.length, logits.vocab])
  await runOnce(published.decoder, inputs, { [logits.name]: out })
  return logits.dtype === 'float32' ? (out.data as Float32Array) : Float32Array.from(out.data as Uint16Array, fromHalf)
}

/** What the embedding makes of a row of token ids. */
async function embedded(
  { model, output, dtype, width }: Embedding,
  ids: Record<string, Tensor>,
): Promise<Record<string, Tensor>> {
  const [{ dims }] = Object.values(ids) as [Tensor]
  const made = { [output]: createTensor(dtype, [...dims, width]) }
  await runOnce(model.path, ids, made)
  return made
}

async function runOnce(file: string, inputs: Record<string, Tensor>, outputs: Record<string, Tensor>): Promise<void> {
  const graph = await openGraph(file)
  try {
    const binding = graph.bind(inputs, outputs)
    await binding.run()
    binding.release()
  } finally {
    graph.close()
  }
}

function numbers(dtype: Dtype, dims: readonly number[], value: (at: number) => number): Tensor {
  const tensor = createTensor(dtype, dims)
  for (let at = 0; at < tensor.data.length; at++)
    tensor.data[at] = tensor.data instanceof BigInt64Array ? BigInt(value(at)) : value(at)
  return tensor
}

/** The number whose float16 bits these are. */
function fromHalf(bits: number): number {
  const [sign, exponent, fraction] = [bits & 0x8000 ? -1 : 1, (bits >> 10) & 31, bits & 1023]
  if (exponent === 31) return fraction ? NaN : sign * Infinity
  return exponent === 0 ? sign * fraction * 2 ** -24 : sign * (1024 + fraction) * 2 ** (exponent - 25)
}

/** A token for each of two rows that have been fed other numbers of tokens, together against each alone. */
async function raggedRows(decoder: Decoder, ids: readonly number[]): Promise<number> {
  const rows: State[] = []
  const alone: Float32Array[] = []
  let at = 0
  for (const length of RAGGED) {
    const fed = await decoder.run([ids.slice(at, at + length)], decoder.start(1))
    rows.push(fed.state)
    alone.push((await decoder.run([[ids[0]!]], fed.state)).logits.data as Float32Array)
    at += length
  }
  const { logits } = await decoder.run(
    RAGGED.map(() => [ids[0]!]),
    stacked(rows),
  )
  const together = logits.data as Float32Array
  return Math.max(
    ...alone.map((expected, row) => {
      const found = together.subarray(row * decoder.vocab, (row + 1) * decoder.vocab)
      return difference(found, expected).relative
    }),
  )
}

/** States of one row each, of equal sizes, as rows of one. */
function stacked(states: readonly State[]): State {
  const names = Object.keys(states[0]!)
  return Object.fromEntries(
    names.map((name) => {
      const parts = states.map((state) => state[name]!)
      const { dtype, dims, data } = parts[0]!
      const whole = createTensor(dtype, [parts.length, ...dims.slice(1)])
      for (const [row, part] of parts.entries()) whole.data.set(part.data as never, row * data.length)
      return [name, whole]
    }),
  )
}
