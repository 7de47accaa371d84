/** Forgetting, consolidation and eviction, in real processes that are killed. */
import { expect, test } from 'vitest'
import { killWhileForgetting } from '../support/memory-kills.ts'
import { temporaryFolder } from '../support/temporary.ts'

const KILLS = 15

test('killed while memories are told, consolidated, evicted and erased: nothing is lost, and nothing erased comes back', async () => {
  const report = await killWhileForgetting(KILLS, temporaryFolder())
  expect(report).toMatchObject({ kills: KILLS, lost: 0, back: 0, unfound: 0, disagreements: [] })
  // All of it did happen.
  const { told, erased, evicted, grouped } = report
  expect(
    [told, erased, evicted, grouped].filter((count) => !(count > 0)),
    JSON.stringify(report),
  ).toEqual([])
}, 1_200_000)
