import { describe, expect, test } from 'vitest'
import { contextOf, leans } from '../../../../server/memory/recall/leaning.ts'

describe('a sentence leans on what was told before it', () => {
  test.each(['he cooks fish', "She's moored at Braunston", 'they have three girls', '140 guests', 'jaylen sings'])(
    'where it says "it", or little: %s',
    (text) => expect(leans(text)).toBe(true),
  )

  test.each(['I sing alto in the choir.', 'My brother runs a bakery in Izmir.', 'The shed lock is on the north wall.'])(
    'and does not where it says what it is about: %s',
    (text) => expect(leans(text)).toBe(false),
  )

  test('people and names are told from other words', () => {
    const context = contextOf('he cooks fish', ['My brother-in-law Yiğit opened a restaurant in Izmir'])
    expect(context?.named).toEqual(expect.arrayContaining(['brother', 'yigit', 'izmir', 'restaurant']))
    expect(context?.other).toEqual(expect.arrayContaining(['opened']))
    expect(context?.other).not.toContain('izmir')
  })

  test('it is looked back until a sentence that leans on none', () => {
    const before = ['it swears in Portuguese', 'I got a parrot from Manaus', 'My sister Rosa lives in Recife']
    const context = contextOf('it bit my friend', before)
    const words = [...(context?.named ?? []), ...(context?.other ?? [])]
    expect(words).toEqual(expect.arrayContaining(['parrot', 'manaus', 'swears']))
    expect(words).not.toContain('rosa')
  })

  test('nothing is taken over by a sentence that stands for itself', () => {
    expect(contextOf('I sing alto in the choir.', ['My sister Rosa lives in Recife'])).toBeNull()
  })
})
