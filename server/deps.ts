/** What the application is made of. Tests pass their own. */
import type { Logger } from 'pino'
import type { KeyRing } from './keys.ts'
import type { Lifecycle } from './lifecycle.ts'
import type { Metrics } from './metrics.ts'
import type { ServedModel } from './served-model.ts'
import type { Store } from './store/store.ts'

export interface Deps {
  readonly models: readonly ServedModel[]
  readonly store: Store
  readonly metrics: Metrics
  readonly keys: KeyRing
  readonly lifecycle: Lifecycle
  readonly log: Logger
  readonly version: string
  /** Milliseconds since 1970. */
  readonly now: () => number
}
