/** Ablations: a trained model measured without a part of it. */
import { ConfigError, type Options } from '../../models/config.ts'
import type { Decoder, State, StateShape } from '../../runtime/decoder.ts'
import { createTensor, type Tensor } from '../../runtime/tensor.ts'

export interface Ablation {
  /** Options of the architecture that are changed; the trained parameters have to fit. */
  readonly set: Options
  /** A regular expression over the names of the state: what matches is never written. Empty: all is. */
  readonly freeze: string
}

/**
 * Returns the decoder with state that is never written: what matches `pattern` stays zero. Tokens are computed one at a
 * time, since a decoder reads within a call what it has just written. Throws ConfigError where nothing matches.
 */
export function withFrozenState(decoder: Decoder, state: readonly StateShape[], pattern: string): Decoder {
  const names = state.map(({ name }) => name)
  const frozen = names.filter((name) => expression(pattern).test(name))
  if (frozen.length === 0)
    throw new ConfigError(`--freeze: expected an expression for some of ${names.join(', ')}, got ${pattern}`)
  return {
    ...decoder,
    async run(ids, before, logitsFrom = 0) {
      const time = ids[0]?.length ?? 0
      const first = logitsFrom < 0 ? Math.max(0, time + logitsFrom) : logitsFrom
      const kept = Object.fromEntries(frozen.map((name) => [name, before[name]!]))
      const steps = []
      let now: State = before
      for (let t = 0; t < time; t++) {
        const step = await decoder.run(
          ids.map((row) => [row[t]!]),
          now,
          t >= first ? 0 : 1,
        )
        now = { ...step.state, ...kept }
        steps.push(step)
      }
      const [logits, hidden] = [steps.slice(first).map((s) => s.logits), steps.map((s) => s.hidden)]
      return {
        logits: joined(logits, ids.length, decoder.vocab),
        hidden: joined(hidden, ids.length, hidden[0]!.dims.at(-1)!),
        state: now,
      }
    },
  }
}

function expression(pattern: string): RegExp {
  try {
    return new RegExp(pattern)
  } catch (cause) {
    throw new ConfigError(`--freeze: ${(cause as Error).message}`, { cause })
  }
}

/** Tensors (B,1,W) one after another in time: (B,T,W). */
function joined(steps: readonly Tensor[], rows: number, width: number): Tensor {
  const out = new Float32Array(rows * steps.length * width)
  for (const [t, { data }] of steps.entries())
    for (let row = 0; row < rows; row++)
      out.set((data as Float32Array).subarray(row * width, (row + 1) * width), (row * steps.length + t) * width)
  return createTensor('float32', [rows, steps.length, width], out)
}
