/** Experts, which a GGUF file stacks and published models list one by one. */
import type { GgufModel } from '../model.ts'
import { rowRange } from '../orders.ts'

/** Makes TO.E.NAME.weight of each expert; `names` gives what gate, up and down are called. */
export function expertTensors(
  model: GgufModel,
  to: string,
  from: string,
  names: Readonly<Record<string, string>>,
): void {
  for (const [part, name] of Object.entries(names)) {
    const stacked = `${from}.ffn_${part}_exps.weight`
    const [experts = 0, rows = 0, columns = 0] = model.tensor(stacked).shape
    for (let expert = 0; expert < experts; expert++)
      model.put(`${to}.${expert}.${name}.weight`, stacked, {
        shape: [rows, columns],
        rows: rowRange(expert * rows, rows),
      })
  }
}
