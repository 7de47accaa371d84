/** How statements are used, read from the source. */
import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'

/** Statements that `text` reads one row of, and also all rows of. */
function usedBothWays(text: string): string[] {
  const readAll = new Set([...text.matchAll(/(\w+)\.(?:all|iterate)\(/g)].map(([, name]) => name as string))
  return [...readAll].filter((name) => new RegExp(`\\b${name}\\.get\\(`).test(text))
}

describe('statements of the store', () => {
  test('none is read by `all` in one place and by `get` in another: libsql 0.5 would answer `get` with the old row', () => {
    const files = readdirSync('server', { recursive: true, encoding: 'utf8' }).flatMap((file) =>
      file.endsWith('.ts') ? [`server/${file}`] : [],
    )
    expect(files.length).toBeGreaterThan(100)
    expect(files.flatMap((file) => usedBothWays(readFileSync(file, 'utf8')).map((name) => `${file}: ${name}`))).toEqual(
      [],
    )
  })

  test('the check itself sees one', () => {
    expect(usedBothWays('sql.byId.all(1); sql.byId.get(2); sql.other.all(3); sql.one.get(4)')).toEqual(['byId'])
  })
})
