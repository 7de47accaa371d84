import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { createKeyRing } from '../../../server/keys.ts'
import { temporaryFolder } from '../../support/temporary.ts'
import { runMneme } from './mneme-process.ts'

test('a key that is made in the terminal opens the server, and one that is taken away does not', async () => {
  const file = join(temporaryFolder(), 'keys.json')
  const mneme = (...args: string[]) => runMneme(['keys', ...args, '--keys-file', file])
  const made = await mneme('add', 'laptop', '--tenant', 'acme', '--scopes', 'api,metrics')
  expect([made.code, made.stderr]).toEqual([0, ''])
  const key = made.stdout.trim()
  expect(key).toMatch(/^[0-9a-f]{64}$/)
  expect(readFileSync(file, 'utf8')).not.toContain(key)
  expect(statSync(file).mode & 0o077).toBe(0)
  const ring = createKeyRing([], file)
  expect(ring.holderOf(key)).toMatchObject({ name: 'laptop', owner: 'acme', scopes: new Set(['api', 'metrics']) })
  await mneme('add', 'phone')
  expect((await mneme('list')).stdout).toBe('laptop  acme  api,metrics\nphone  phone  api\n')
  expect((await mneme('remove', 'laptop')).stdout).toBe('removed: laptop\n')
  ring.reload()
  expect(ring.holderOf(key)).toBeNull()
})

test('what cannot be done is refused in a sentence, and the file stays as it was', async () => {
  const file = join(temporaryFolder(), 'keys.json')
  const mneme = (...args: string[]) => runMneme(['keys', ...args, '--keys-file', file])
  await mneme('add', 'laptop')
  const before = readFileSync(file, 'utf8')
  for (const [args, sentence] of [
    [['add', 'laptop'], "two keys are named 'laptop'"],
    [['add', 'phone', '--scopes', 'admin'], 'keys.1.scopes.0'],
    [['remove', 'phone'], "no key is named 'phone'"],
  ] as const) {
    const { code, stderr } = await mneme(...args)
    expect([code, stderr]).toEqual([2, expect.stringContaining(sentence)])
  }
  expect(readFileSync(file, 'utf8')).toBe(before)
  writeFileSync(file, '{')
  const { code, stderr } = await mneme('add', 'phone')
  expect([code, stderr]).toEqual([2, expect.stringContaining('expected a readable JSON file of keys')])
  expect(readFileSync(file, 'utf8')).toBe('{')
})
