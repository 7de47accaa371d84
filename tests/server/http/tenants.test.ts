/** A tenant never sees what is another's, whatever both do: `TENANT_OPERATIONS=10000` for a long walk. */
import { expect, test } from 'vitest'
import { allEndpoints } from '../../../server/http/endpoints.ts'
import { findFaiss } from '../../../server/vector-index/faiss.ts'
import { TENANT_REQUESTS } from '../../support/tenant-requests.ts'
import { walkTenants } from '../../support/tenant-walk.ts'
import { startTestServer } from '../../support/test-server.ts'

const OPERATIONS = Number(process.env['TENANT_OPERATIONS'] ?? 400)
const SEED = Number(process.env['FAST_CHECK_SEED'] ?? Date.now() % 1_000_000)

test('the walk of two tenants has a request for every endpoint', async () => {
  const { deps } = await startTestServer()
  const endpoints = allEndpoints(deps).map(({ method, path }) => `${method} ${path}`)
  expect(Object.keys(TENANT_REQUESTS).toSorted()).toEqual(endpoints.toSorted())
})

test(
  `no answer shows a tenant what is another's, in ${OPERATIONS} operations over all endpoints, restarts and rebuilt indexes`,
  async () => {
    const { leaks, calls, ...report } = await walkTenants(OPERATIONS, SEED)
    const counted = { seed: SEED, ...report, endpoints: calls.size }
    if (OPERATIONS > 1000) console.log(JSON.stringify({ ...counted, leaks: leaks.length }))
    expect({ seed: SEED, leaks }).toEqual({ seed: SEED, leaks: [] })
    // What would have to be seen was there to be seen.
    for (const count of [report.ownSeen, report.notesRepeated, report.ownCached, report.foreign, report.restarts])
      expect([counted, count > 0]).toEqual([counted, true])
    if (findFaiss()) expect([counted, report.indexesMade > 0]).toEqual([counted, true])
  },
  60_000 + 100 * OPERATIONS,
)
