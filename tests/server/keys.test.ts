import { createHash } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { createApp } from '../../server/app.ts'
import { createKeyRing } from '../../server/keys.ts'
import { temporaryFolder } from '../support/temporary.ts'
import { startTestServer } from '../support/test-server.ts'

const hash = (key: string): string => createHash('sha256').update(key).digest('hex')

function keysFile(keys: unknown): string {
  const file = join(temporaryFolder(), 'keys.json')
  writeFileSync(file, typeof keys === 'string' ? keys : JSON.stringify({ keys }))
  return file
}

describe('keys', () => {
  test('given one by one are tenants of their own, whose name is the hash of the key as it always was', () => {
    const ring = createKeyRing(['a', 'b'])
    expect(ring.holderOf('a')?.owner).toBe(hash('a'))
    expect(ring.holderOf('b')?.owner).toBe(hash('b'))
    expect([...(ring.holderOf('a')?.scopes ?? [])]).toEqual(['api', 'metrics'])
    for (const wrong of ['', 'A', 'ab', null]) expect(ring.holderOf(wrong)).toBeNull()
  })

  test('of a file have names, tenants and scopes', () => {
    const file = keysFile([
      { name: 'laptop', hash: hash('k1'), tenant: 'acme', scopes: ['api', 'metrics'] },
      { name: 'phone', hash: `sha256:${hash('k2').toUpperCase()}`, tenant: 'acme' },
      { name: 'prometheus', hash: hash('k3'), scopes: ['metrics'] },
    ])
    const ring = createKeyRing(['plain'], file)
    expect(ring.holderOf('k1')).toEqual({ name: 'laptop', owner: 'acme', scopes: new Set(['api', 'metrics']) })
    expect(ring.holderOf('k2')).toEqual({ name: 'phone', owner: 'acme', scopes: new Set(['api']) })
    expect(ring.holderOf('k3')?.owner).toBe('prometheus')
    expect(ring.holderOf('plain')?.owner).toBe(hash('plain'))
  })

  test('without any everybody is one owner', () => {
    const ring = createKeyRing([])
    expect([ring.required, ring.holderOf(null)?.owner, ring.holderOf('x')?.owner]).toEqual([false, 'local', 'local'])
  })

  test('of an empty file are none, and everybody is refused', () => {
    const ring = createKeyRing([], keysFile([]))
    expect([ring.required, ring.holderOf('x')]).toEqual([true, null])
  })

  test.each([
    ['{', /expected a readable JSON file of keys/],
    ['{}', /keys/],
    [[{ name: 'a', hash: 'xyz' }], /keys\.0\.hash: expected the SHA-256 of a key/],
    [[{ name: 'a', hash: hash('a'), scopes: ['all'] }], /keys\.0\.scopes/],
    [[{ name: 'a', hash: hash('a'), color: 1 }], /Unrecognized key/],
    [
      [
        { name: 'a', hash: hash('a') },
        { name: 'a', hash: hash('b') },
      ],
      /two keys are named 'a'/,
    ],
  ])('of a file that is wrong (%j) are refused in one sentence with its name', (keys, message) => {
    const file = keysFile(keys)
    expect(() => createKeyRing([], file)).toThrow(message)
    expect(() => createKeyRing([], file)).toThrow(file)
  })

  test('read again keep who did not change, take away who is gone, and stay as they were if the file is wrong', () => {
    const [a, b] = [
      { name: 'a', hash: hash('a') },
      { name: 'b', hash: hash('b') },
    ]
    const file = keysFile([a, b])
    const ring = createKeyRing([], file)
    const [holderA, holderB] = [ring.holderOf('a')!, ring.holderOf('b')!]
    writeFileSync(file, JSON.stringify({ keys: [a, { ...b, scopes: ['metrics'] }, { name: 'c', hash: hash('c') }] }))
    ring.reload()
    expect([ring.holds(holderA), ring.holds(holderB)]).toEqual([true, false])
    expect(ring.holderOf('c')).not.toBeNull()
    writeFileSync(file, 'broken')
    expect(() => ring.reload()).toThrow('readable JSON')
    expect([ring.holds(holderA), ring.holderOf('c') !== null]).toEqual([true, true])
  })
})

test('data stored under a plain key is reached from a keys file that names its hash as the tenant', async () => {
  const server = await startTestServer({ keys: ['old'] })
  const old = { authorization: 'Bearer old' }
  const { json } = await server.post('/v1/responses', { input: 'x', max_output_tokens: 2 }, old)
  const file = keysFile([{ name: 'new', hash: hash('new'), tenant: hash('old') }])
  const later = createApp({ ...server.deps, keys: createKeyRing([], file) })
  const status = async (key: string): Promise<number> =>
    (await later.request(`/v1/responses/${json.id}`, { headers: { authorization: `Bearer ${key}` } })).status
  expect([await status('new'), await status('old')]).toEqual([200, 401])
})
