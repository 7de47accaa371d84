/** Trained parameters on their way into a graph. */
import { elements, flatten, type SpecTree } from '../models/spec.ts'

/** Parameters by path. */
export type Weights = ReadonlyMap<string, Float32Array>

/** A model cannot be exported: what was expected of it, and what was found. */
export class ExportError extends Error {
  override name = 'ExportError' as const
}

/** Throws ExportError when weights are missing, unexpected or of a wrong size. */
export function checkWeights(model: { readonly params: SpecTree }, weights: Weights): void {
  const expected = new Map(flatten(model.params))
  const missing = [...expected.keys()].filter((path) => !weights.has(path))
  const extra = [...weights.keys()].filter((path) => !expected.has(path))
  if (missing.length > 0 || extra.length > 0)
    throw new ExportError(`weights: missing [${missing.join(', ')}], unexpected [${extra.join(', ')}]`)
  for (const [path, spec] of expected)
    if (weights.get(path)!.length !== elements(spec.shape))
      throw new ExportError(`${path}: expected ${elements(spec.shape)} numbers, got ${weights.get(path)!.length}`)
}
