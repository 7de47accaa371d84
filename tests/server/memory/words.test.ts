import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { wordsOf } from '../../../server/memory/words.ts'

/** The words of Unicode's segmentation (UAX 29), as ICU finds them. */
function segmented(text: string): string[] {
  const segments = [...new Intl.Segmenter('und', { granularity: 'word' }).segment(text.toLowerCase())]
  return segments.flatMap(({ segment, isWordLike }) => {
    const word = isWordLike ? segment.replace(/['’]s?$/u, '').slice(0, 64) : ''
    return word === '' ? [] : [word]
  })
}

describe('words of a text', () => {
  it('are in ASCII those of the segmenter', () => {
    const character = fc.constantFrom(...'abSs Z019 .,:;\'_-"\n\t\r!@#/()$%&+='.split(''))
    fc.assert(
      fc.property(fc.array(character, { maxLength: 16 }), (characters) => {
        const text = characters.join('')
        expect(wordsOf(text)).toEqual(segmented(text))
      }),
      { numRuns: 5000 },
    )
  })

  it('have no accents and no possessive endings', () => {
    expect(wordsOf("Zoë's café, 10:30, 3.5 kg, e.g. José’s")).toEqual([
      'zoe',
      'cafe',
      '10',
      '30',
      '3.5',
      'kg',
      'e.g',
      'jose',
    ])
  })
})
