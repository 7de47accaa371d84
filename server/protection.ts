/** What keeps one client from taking everything: made from the limits and the access rules of a configuration. */
import type { Deps } from './deps.ts'
import { createAdmission } from './http/admission.ts'
import { createAccessRules, type AccessOptions } from './http/origins.ts'
import { createWrongKeys } from './http/wrong-keys.ts'
import type { Limits } from './limits.ts'
import type { Metrics } from './metrics.ts'
import { createHeldReplies } from './openai/held-replies.ts'
import { createLocalStates } from './socket/local-states.ts'

type Protection = Pick<Deps, 'limits' | 'access' | 'wrongKeys' | 'admission' | 'replies' | 'localStates'>

export function createProtection(limits: Limits, access: AccessOptions, metrics: Metrics): Protection {
  return {
    limits,
    access: createAccessRules(access),
    wrongKeys: createWrongKeys(),
    // Without keys everybody is one owner, to whom the limit of all connections applies.
    admission: createAdmission(access.keysRequired ? limits.connectionsPerOwner : Infinity, metrics),
    replies: createHeldReplies(limits.replyBytes, limits.allReplyBytes),
    localStates: createLocalStates(limits.localStateBytes),
  }
}
