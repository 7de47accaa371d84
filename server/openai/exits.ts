/** What a request says about early exits, and what its usage tells of them. */
import type { ExitCounts } from '../engine/exit-drafter.ts'
import type { NewTurn } from '../run-turn.ts'
import { infoOf, type ServedModel } from '../served-model.ts'
import { ApiError } from './errors.ts'

interface ExitFields {
  readonly mneme?:
    | { readonly gates?: { readonly early_exit?: boolean | number | null | undefined } | null | undefined }
    | null
    | undefined
}

/** The exit of a turn, where the request says something of it. Throws ApiError where the model has none to be used. */
export function exitOf({ mneme }: ExitFields, model: ServedModel): Pick<NewTurn, 'exit'> {
  const asked = mneme?.gates?.early_exit ?? null
  if (asked === null) return {}
  if (asked !== false && infoOf(model).exitAfter === null)
    throw new ApiError(
      400,
      'early_exit_unsupported',
      `'mneme.gates.early_exit': expected false, for ${model.name} was made without an early exit; got ${asked}.`,
      { param: 'mneme.gates.early_exit' },
    )
  return { exit: asked }
}

/** The counts of several replies together. */
export function addExits(one: ExitCounts | null, other: ExitCounts | null): ExitCounts | null {
  if (!one || !other) return one ?? other
  return {
    ...one,
    drafted: one.drafted + other.drafted,
    accepted: one.accepted + other.accepted,
    unverified: one.unverified + other.unverified,
    unverifiedRuns: [...one.unverifiedRuns, ...other.unverifiedRuns],
  }
}

/** What exits did, as usage tells it. */
export function exitReport({ after, drafted, accepted, unverified, unverifiedRuns, threshold }: ExitCounts) {
  return {
    after_layer: after,
    drafted_tokens: drafted,
    accepted_tokens: accepted,
    threshold,
    unverified_tokens: unverified,
    unverified_runs: unverifiedRuns,
  }
}
