/** What the application is made of. Tests pass their own. */
import type { Logger } from 'pino'
import type { Gating } from './controller/served-controller.ts'
import type { ClaimEncoder } from './critic/encoder/claim-encoder.ts'
import type { SmallTalk } from './critic/small-talk.ts'
import type { VerifyMode } from './critic/verify-mode.ts'
import type { ServedEmbedder } from './embedding/served-embedder.ts'
import type { Admission } from './http/admission.ts'
import type { AccessRules } from './http/origins.ts'
import type { WrongKeys } from './http/wrong-keys.ts'
import type { KeyRing } from './keys.ts'
import type { FollowingStates } from './following-states.ts'
import type { Lifecycle } from './lifecycle.ts'
import type { Limits } from './limits.ts'
import type { Metrics } from './metrics.ts'
import type { Reader } from './memory/reader.ts'
import type { MemoryMode } from './memory/memory-mode.ts'
import type { HeldReplies } from './openai/held-replies.ts'
import type { OpenConversations } from './openai/open-conversations.ts'
import type { PrefixCache } from './prefix-cache/prefix-cache.ts'
import type { RecentStates } from './recent-states.ts'
import type { ServedModel } from './served-model.ts'
import type { LocalStates } from './socket/local-states.ts'
import type { Store } from './store/store.ts'

export interface Deps {
  readonly models: readonly ServedModel[]
  readonly embedders: readonly ServedEmbedder[]
  readonly store: Store
  /** Null where nothing is cached. */
  readonly prefixes: PrefixCache | null
  /** Null where no states are kept in memory. */
  readonly recent: RecentStates | null
  readonly metrics: Metrics
  readonly keys: KeyRing
  readonly wrongKeys: WrongKeys
  readonly access: AccessRules
  readonly limits: Limits
  /** What turns do with memories at most. */
  readonly memories: MemoryMode
  /** What is done with a reply that is wrong about its user. */
  readonly verify: VerifyMode
  /** What decides the gates of turns. */
  readonly gating: Gating
  /** Reads what the rules of the critic cannot; null where it is not asked for. */
  readonly critic: ClaimEncoder | null
  /** Answers small talk in place of models that know only what they were told; null where there is none. */
  readonly smallTalk: SmallTalk | null
  /** Reads whether memories answer a question; null where there is none. */
  readonly reader: Reader | null
  readonly admission: Admission
  readonly replies: HeldReplies
  readonly localStates: LocalStates
  /** In which turns are being made. */
  readonly conversations: OpenConversations
  readonly lifecycle: Lifecycle
  readonly following: FollowingStates
  readonly log: Logger
  readonly version: string
  /** Milliseconds since 1970. */
  readonly now: () => number
}
