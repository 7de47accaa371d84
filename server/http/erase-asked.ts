/** Deleting what is stored, as the query of a DELETE asks for it. */
import { z } from 'zod'
import type { Deps } from '../deps.ts'
import { forget, type FullReceipt } from '../forget.ts'
import { check } from '../openai/body.ts'
import { done, strict } from '../openai/field.ts'
import type { EraseTarget } from '../store/erase-calls.ts'
import { ownerOf, type RequestContext } from './context.ts'

export const cascadeFields = {
  cascade: done(
    z.enum(['true', 'false']),
    '`true`: also the turns that follow from what is deleted, and the replies that were made while a memory taken from it was read.',
  ),
}

export const cascadeQuery = strict(cascadeFields)

/** Deletes `target` for good; null where the key's tenant has no such thing. */
export function eraseAsked(deps: Deps, c: RequestContext, target: EraseTarget): Promise<FullReceipt | null> {
  const { cascade } = check(cascadeQuery, c.req.query())
  const options = { source: false, cascade: cascade === 'true' }
  return forget(deps, ownerOf(c), target, options, c.req.raw.signal)
}
