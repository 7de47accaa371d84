/**
 * Sentences to compare: each group of rows is a question, what answers it and what does not, generated or in people's own
 * words; or, one time in two, texts that are taught the vectors of another encoder and answer nothing.
 */
import type { TextCodec } from '../../../runtime/text.ts'
import { Random, type RandomState } from '../../random.ts'
import type { Part } from '../notes/values.ts'
import { DataError, type Batch, type Dataset } from '../batch.ts'
import { drawTriple } from './pairs.ts'
import type { TaughtTexts } from './taught.ts'

/** Rows of a group. */
const GROUP = 3
const TRIES = 20

export interface SentencesOptions {
  readonly batch: number
  readonly sequenceLength: number
  readonly codec: Pick<TextCodec, 'encode'>
  readonly seed: number
  readonly part: Part
  /** Without, no group is taught. */
  readonly taught?: TaughtTexts
}

/** Batches without an end. Texts that are longer than a row are cut. */
export function sentencesDataset({ batch, sequenceLength, codec, seed, part, taught }: SentencesOptions): Dataset {
  if (batch % GROUP !== 0) throw new DataError(`batch: expected a multiple of ${GROUP} rows, got ${batch}`)
  const random = new Random(`sentences ${part} ${seed}`)
  const groups = batch / GROUP
  return {
    description: `sentences (${part}), seed ${seed}, ${groups} groups of ${GROUP} texts`,
    next() {
      const out = emptyGroups(batch, sequenceLength, taught?.width ?? 0)
      const put = (row: number, text: string): void =>
        out.ids.set(codec.encode(text).slice(0, sequenceLength), row * sequenceLength)
      const taken = new Set<string>()
      for (let group = 0; group < groups; group++) {
        const first = group * GROUP
        out.targets[group] = group * (GROUP - 1)
        if (taught && group % 2 === 1) for (let i = 0; i < GROUP; i++) teach(random, taught, taken, out, first + i, put)
        else {
          for (const [i, text] of drawTriple(random, part, taken).entries()) put(first + i, text)
          out.weights[group] = 1
        }
      }
      return Promise.resolve(out)
    },
    position: () => [...random.state],
    seek(position) {
      random.restore(position as unknown as RandomState)
      return Promise.resolve()
    },
  }
}

/** A label and a weight for each group, a vector for each row. */
function emptyGroups(batch: number, sequenceLength: number, width: number): Batch & { vectors: Float32Array } {
  return {
    ids: new Int32Array(batch * sequenceLength),
    targets: new Int32Array(batch / GROUP),
    weights: new Float32Array(batch / GROUP),
    carry: new Float32Array(batch),
    vectors: new Float32Array(batch * width),
  }
}

/** A text of a line of the same batch is not taught there: it would stand among what does not answer that line's question. */
function teach(
  random: Random,
  { texts, vectors, width }: TaughtTexts,
  taken: Set<string>,
  out: { readonly vectors: Float32Array },
  row: number,
  put: (row: number, text: string) => void,
): void {
  let at = random.int(texts.length)
  for (let tries = 1; taken.has(texts[at]!) && tries < TRIES; tries++) at = random.int(texts.length)
  taken.add(texts[at]!)
  put(row, texts[at]!)
  out.vectors.set(vectors.subarray(at * width, (at + 1) * width), row * width)
}
