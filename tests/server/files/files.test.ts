import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { cutChunks, spansOf } from '../../../server/files/chunks.ts'
import { fileText } from '../../../server/files/file-text.ts'
import { fits } from '../../../server/files/filters.ts'
import { htmlText } from '../../../server/files/html-text.ts'

describe('a text cut into chunks', () => {
  const chunking = fc
    .record({ size: fc.integer({ min: 2, max: 60 }), share: fc.double({ min: 0, max: 0.5, noNaN: true }) })
    .map(({ size, share }) => ({ size, overlap: Math.floor(size * share) }))
  const texts = fc.array(
    fc.oneof(fc.string({ unit: 'grapheme' }), fc.constantFrom('\n\n', '\n', '. ', ' word ', '字')),
    {
      maxLength: 200,
    },
  )

  test('loses no word of it, in its order, and no chunk is longer than it may be', () => {
    fc.assert(
      fc.property(texts, chunking, (parts, how) => {
        const text = parts.join('')
        const spans = spansOf(text, how)
        let covered = 0
        for (const { start, end } of spans) {
          expect(start).toBeLessThanOrEqual(covered)
          expect(end).toBeGreaterThan(covered)
          expect(end - start).toBeLessThanOrEqual(how.size * 4)
          covered = end
        }
        expect(covered).toBe(text.length)
        const pieces = spans.map(({ start, end }) => text.slice(start, end).trim()).filter((piece) => piece !== '')
        expect(cutChunks(text, how)).toEqual(pieces)
      }),
    )
  })

  test('never ends a chunk within a character', () => {
    const chunks = cutChunks('😀'.repeat(500), { size: 100, overlap: 33 })
    for (const chunk of chunks) expect(chunk).toBe('😀'.repeat(chunk.length / 2))
  })

  test('ends chunks at paragraphs where it can, and repeats the overlap', () => {
    const text = `${'one two '.repeat(35)}\n\n${'three four '.repeat(35)}`
    const [first, second] = cutChunks(text, { size: 100, overlap: 10 }) as [string, string]
    expect(first.endsWith('one two')).toBe(true)
    expect(second).toMatch(/^(?:one |two ){4,}\s+three four/)
  })
})

describe('the text of a file', () => {
  test('of HTML is what a reader sees, one block a line', () => {
    const page = `<!DOCTYPE html><html><head><title>no</title><style>p{}</style></head><body><!-- no -->
      <h1>Kettles</h1><p>A <b>kettle</b>&nbsp;holds 1.7&#8239;l &lt; 2 l.</p><script>var a = "<p>no</p>"</script>
      <ul><li>one</li><li>two &amp; three &unknown;</li></ul>a < b</body></html>`
    expect(fileText('page.html', Buffer.from(page))).toBe(
      'Kettles\nA kettle holds 1.7 l < 2 l.\none\ntwo & three &unknown;\na < b',
    )
  })

  test('of unclosed HTML is read in linear time', () => {
    for (const piece of ['<script', '<!--', '<a href="', '<script>', '&#1'])
      expect(htmlText(`x ${piece.repeat(200_000)}`).startsWith('x')).toBe(true)
  })

  test('of JSON, CSV and Markdown is its own', () => {
    for (const [name, text] of [
      ['a.json', '{"a": 1}'],
      ['a.csv', 'a;b\r\n1;2'],
      ['a.md', '# A\n<b>'],
    ] as const)
      expect(fileText(name, Buffer.from(text))).toBe(text)
  })
})

describe('a filter', () => {
  const attributes = { kind: 'manual', year: 2026, draft: false }

  test('compares a value with a value of its own type only', () => {
    const results = (['eq', 'ne', 'gt', 'gte', 'lt', 'lte'] as const).map((type) =>
      fits({ type, key: 'year', value: 2026 }, attributes),
    )
    expect(results).toEqual([true, false, false, true, false, true])
    expect(fits({ type: 'eq', key: 'year', value: '2026' }, attributes)).toBe(false)
    expect(fits({ type: 'gt', key: 'kind', value: 1 }, attributes)).toBe(false)
    expect(fits({ type: 'gt', key: 'kind', value: 'letter' }, attributes)).toBe(true)
    expect(fits({ type: 'lte', key: 'draft', value: true }, attributes)).toBe(false)
  })

  test('of what a file does not have fits where it is excluded', () => {
    for (const key of ['author', 'toString', '__proto__']) {
      expect(fits({ type: 'ne', key, value: 'x' }, attributes)).toBe(true)
      expect(fits({ type: 'nin', key, value: ['x'] }, attributes)).toBe(true)
      expect(fits({ type: 'eq', key, value: 'x' }, attributes)).toBe(false)
      expect(fits({ type: 'gt', key, value: 0 }, attributes)).toBe(false)
    }
  })
})
