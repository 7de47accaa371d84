import { describe, expect, test } from 'vitest'
import { searchWords, stem } from '../../../server/memory/search-words.ts'

describe('words of a search', () => {
  test.each([
    'water waters watered watering',
    'run runs running ran',
    'fly flies flew flying',
    'name names named naming',
    'hobby hobbies',
    'rehearse rehearses rehearsed rehearsing',
    'buy buys bought buying',
    'hate hates hated hating',
    'child children',
  ])('the forms of a word have one stem: %s', (forms) => {
    expect(new Set(forms.split(' ').map(stem)).size).toBe(1)
  })

  test.each(['bus busy', 'glass glad', 'wing win', 'king kin', 'red reed', 'thesis these', '4071 4072'])(
    'two words have two: %s',
    (words) => {
      expect(new Set(words.split(' ').map(stem)).size).toBe(2)
    },
  )

  test.each(['constructor', '__proto__', 'toString', 'hasOwnProperty'])('%s is a word as any other', (word) => {
    expect(typeof stem(word)).toBe('string')
  })

  test('the commonest words are left out, unless a text has no others', () => {
    expect(searchWords("What's the name of my dog?")).toEqual(['name', 'dog'])
    expect(searchWords('Who are you?')).toEqual(['who', 'are', 'you'])
  })
})
