import { expect, test } from 'vitest'
import { openModel } from '../../../server/engine/open-model.ts'
import { temporaryFolder } from '../../support/temporary.ts'
import { writeTinyBundle } from '../../support/tiny-bundle.ts'

test('a bundle that has been replaced since the server started is not opened in its place', async () => {
  const bundle = await writeTinyBundle(temporaryFolder(), 'delta')
  const options = { bundle, threads: 1, rows: 1, device: 'cpu', residentBytes: 0 } as const
  await expect(openModel({ ...options, id: '0'.repeat(64) })).rejects.toThrow(
    /expected the bundle that was there when the server started, got another/,
  )
})
