/** Memories in PostgreSQL: the contract of any store of memories, and what holds between it and the data folder. */
import { afterAll, beforeAll, describe } from 'vitest'
import { startStore } from '../../../server/store/start.ts'
import { withPostgres } from '../../../server/store/postgres/with-postgres.ts'
import type { Store } from '../../../server/store/store.ts'
import { findPostgres, startPostgres, type TestPostgres } from '../../support/postgres.ts'
import { temporaryFolder } from '../../support/temporary.ts'
import { memoryContract } from './memory-contract.ts'

const bin = findPostgres()

async function openStore(url: string, folder = temporaryFolder()): Promise<Store> {
  const settings = { keepStates: 8, replayTokens: 2048, stateBytes: Infinity, prefixBytes: 0, memoriesElsewhere: true }
  const store = withPostgres(startStore({ folder, ...settings }), url)
  await store.ready
  return store
}

describe.skipIf(bin === null)('PostgreSQL', () => {
  let postgres: TestPostgres
  beforeAll(async () => {
    postgres = await startPostgres(bin!)
  })
  afterAll(() => postgres.stop())

  memoryContract('PostgreSQL with pgvector', async () => openStore(await postgres.database()), 2)
})
