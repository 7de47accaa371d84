/** What calls of one sequence read and write besides its state. Calls follow each other, so all sequences share it. */
import { createTensor, view, type Tensor } from '../../runtime/tensor.ts'

export class CallBuffers {
  /** Tokens that the sequence of the call has been fed. */
  readonly position = createTensor('int32', [1])
  readonly #ids: Tensor<'int32'>
  readonly #vocab: number
  /** Logits of every id of a call, for each such call of a step: they are read once the step is over. */
  readonly #whole: Tensor<'float32'>[] = []
  #calls = 0

  /** For calls of at most `longest` ids, each with `vocab` logits. */
  constructor(longest: number, vocab: number) {
    this.#ids = createTensor('int32', [1, longest])
    this.#vocab = vocab
  }

  /** The logits of the calls before are not needed any more. */
  beginStep(): void {
    this.#calls = 0
  }

  /** Sets the ids of the next call, and the tokens that its sequence has been fed. */
  fill(ids: readonly number[], position: number): Tensor<'int32'> {
    this.#ids.data.set(ids)
    this.position.data[0] = position
    return view(this.#ids, [1, ids.length])
  }

  /** Memory for the logits of every id of a call; it stays until the next step begins. */
  logits(length: number): Tensor<'float32'> {
    const at = this.#calls++
    const known = this.#whole[at]
    const enough = known !== undefined && (known.dims[1] as number) >= length
    const memory = enough ? known : createTensor('float32', [1, length, this.#vocab])
    this.#whole[at] = memory
    return view(memory, [1, length, this.#vocab])
  }
}
