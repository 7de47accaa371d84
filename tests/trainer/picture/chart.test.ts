import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { drawChart, type Series } from '../../../trainer/picture/chart.ts'
import { createScale, spreadLabels } from '../../../trainer/picture/scale.ts'
import { textWidth, wrapped } from '../../../trainer/picture/text.ts'
import { hasChromium, textBoxes } from '../../support/text-boxes.ts'

const line = (name: string, ys: readonly number[]): Series => ({ name, points: ys.map((y, i) => ({ x: i + 1, y })) })
const chart = (title: string, series: readonly Series[]): string =>
  drawChart({ title, panels: [{ x: { title: 'steps' }, y: { title: 'loss' }, series }] })

describe('text', () => {
  test('is broken into lines that fit, no word lost', () => {
    const word = fc.string({ unit: fc.constantFrom('a', 'm', 'W', 'i', '.', '5'), minLength: 1, maxLength: 12 })
    fc.assert(
      fc.property(
        fc.array(word, { minLength: 1, maxLength: 30 }),
        fc.integer({ min: 160, max: 700 }),
        (words, width) => {
          const lines = wrapped(words.join(' '), width, 16)
          for (const part of lines) expect(textWidth(part, 16)).toBeLessThanOrEqual(width)
          expect(lines.join(' ')).toBe(words.join(' '))
        },
      ),
    )
  })

  test('a word that is wider than a line is cut off with dots', () => {
    const lines = wrapped(`see ${'/a/long/path'.repeat(20)} here`, 300, 16)
    expect(lines).toHaveLength(3)
    expect(lines[1]).toMatch(/…$/)
    expect(textWidth(lines[1]!, 16)).toBeLessThanOrEqual(300)
  })

  test.skipIf(!hasChromium)('is at most as wide in a browser as it is taken for', () => {
    const texts = [
      'keeper answers 93 % right',
      'WWWW mmmm @@@@ %%%%',
      'illicit, still; filling',
      '0.0025 17,500 1e-4',
      'A–Z … é',
    ]
    const style = `font-family="sans-serif" font-size="16"`
    const svg = `<svg viewBox="0 0 900 300">${texts.map((text, i) => `<text ${style} y="${20 * i}">${text}</text>`).join('')}</svg>`
    for (const { text, left, right } of textBoxes([svg])[0]!.boxes)
      expect(right - left, text).toBeLessThanOrEqual(textWidth(text, 16))
  })
})

describe('axes', () => {
  test('have ticks within them, and put every value between their ends', () => {
    const value = fc.double({ min: 1e-6, max: 1e9, noNaN: true })
    const nearlyOne = fc
      .tuple(value, fc.integer({ min: 0, max: 12 }))
      .map(([x, digits]) => [x, x * (1 + 10 ** -digits)])
    fc.assert(
      fc.property(
        fc.oneof(fc.array(value, { minLength: 1, maxLength: 40 }), nearlyOne),
        fc.constantFrom('linear', 'log'),
        (values, kind) => {
          const { at, ticks } = createScale({ kind }, values, 5)
          expect(ticks.length).toBeGreaterThan(0)
          for (const x of [...values, ...ticks]) {
            expect(at(x)).toBeGreaterThanOrEqual(-1e-9)
            expect(at(x)).toBeLessThanOrEqual(1 + 1e-9)
          }
        },
      ),
    )
  })

  test('labels at the ends of lines never touch, and keep their order', () => {
    const heights = fc.array(fc.double({ min: 0, max: 300, noNaN: true }), { minLength: 1, maxLength: 12 })
    fc.assert(
      fc.property(heights, (wanted) => {
        const placed = spreadLabels(wanted, 16, 0, 300)
        for (const [i, a] of placed.entries())
          for (const [j, b] of placed.entries()) {
            if (i === j) continue
            expect(Math.abs(a - b)).toBeGreaterThanOrEqual(16 - 1e-9)
            if (wanted[i]! < wanted[j]!) expect(a).toBeLessThan(b)
          }
      }),
    )
  })
})

describe('a chart', () => {
  test('draws a single point as a dot', () => {
    const svg = chart('one', [line('only', [0.5])])
    expect(svg.match(/<circle/g)).toHaveLength(1)
    expect(svg).not.toContain('<polyline')
    expect(svg).not.toContain('NaN')
  })

  test('says so where nothing was measured', () => {
    expect(chart('none', [])).toContain('nothing was measured')
  })

  test('writes signs of XML as text', () => {
    const svg = chart('a < b & "c"', [line('<x>', [1, 2]), line('y', [2, 1])])
    expect(svg).toContain('a &lt; b &amp; &quot;c&quot;')
    expect(svg).not.toContain('<x>')
  })

  test.skipIf(!hasChromium)('has all its texts within it in a browser, none over another', () => {
    const title =
      'A title that is much longer than one line of the picture, as a finding with two numbers in it often is'
    const many = Array.from({ length: 9 }, (_, i) => line(`a system with a name, ${i}`, [i / 100, 0.5, 0.5 + i / 500]))
    for (const { width, height, boxes } of textBoxes([chart(title, many), chart('short', [line('one', [1])])])) {
      for (const box of boxes) {
        expect(box.left, box.text).toBeGreaterThanOrEqual(0)
        expect(box.right, box.text).toBeLessThanOrEqual(width)
        expect(box.bottom, box.text).toBeLessThanOrEqual(height)
      }
      for (const [i, a] of boxes.entries())
        for (const b of boxes.slice(i + 1)) {
          const apart = a.right <= b.left || b.right <= a.left || a.bottom <= b.top + 4 || b.bottom <= a.top + 4
          expect(apart, `${a.text} over ${b.text}`).toBe(true)
        }
    }
  })
})
