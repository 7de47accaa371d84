/** What the store comes upon, told in the log; damage in the data folder is counted, too. */
import type { Logger } from 'pino'
import type { Metrics } from '../metrics.ts'
import type { Damage, Store } from './store.ts'

const SENTENCES: Readonly<Record<Damage['what'], string>> = {
  turn: 'a stored turn is not what was written; it can be deleted, and nothing goes on from it',
  state: 'a stored state is not what was written; it is rebuilt from the log of turns when it is needed',
  prefix: 'a kept prefix of prompts is not what was written; the prompt is computed, and the prefix is stored anew',
  memory: 'a memory is not what was written; it is not found, and can be deleted',
  object: 'a stored file or vector store is not what was written; it can be deleted',
}

export function reportDamage(store: Store, log: Logger, metrics: Metrics): void {
  store.onDamage(({ what, id }) => {
    metrics.damage.inc({ what })
    log.warn(id === null ? {} : { [what === 'memory' || what === 'object' ? what : 'response']: id }, SENTENCES[what])
  })
  store.onNote(({ level, text }) => log[level](text))
}
