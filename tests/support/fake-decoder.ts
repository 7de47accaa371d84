/** A decoder that predicts by a function of all ids that a row has read. */
import type { Decoder } from '../../runtime/decoder.ts'
import { createTensor } from '../../runtime/tensor.ts'

/** `predict` gets the row's ids so far, the present one last, and gives the likeliest next id. */
export function fakeDecoder(vocab: number, predict: (read: readonly number[]) => number): Decoder {
  // The state is a number that stands for what was read
  const histories: (readonly number[])[] = [[]]
  return {
    vocab,
    start: (batch) => ({ read: createTensor('float32', [batch, 1]) }),
    run(ids, state, logitsFrom = 0) {
      const [batch, time] = [ids.length, ids[0]!.length]
      const first = logitsFrom < 0 ? Math.max(0, time + logitsFrom) : logitsFrom
      const logits = createTensor('float32', [batch, time - first, vocab])
      const after = createTensor('float32', [batch, 1])
      for (let row = 0; row < batch; row++) {
        const read = [...histories[Number(state['read']!.data[row])]!]
        for (let t = 0; t < time; t++) {
          read.push(Number(ids[row]![t]))
          if (t < first) continue
          logits.data[(row * (time - first) + t - first) * vocab + predict(read)] = 1
        }
        after.data[row] = histories.push(read) - 1
      }
      return Promise.resolve({ logits, hidden: createTensor('float32', [batch, time, 1]), state: { read: after } })
    },
    close: () => {},
  }
}
