import { describe, expect, test } from 'vitest'
import { evaluateRecall, type Answerer, type RecallOptions } from '../../../trainer/evaluate/keeper.ts'
import { wilsonInterval } from '../../../trainer/evaluate/interval.ts'
import { admitsIgnorance, holdsValue } from '../../../trainer/evaluate/keeper-score.ts'
import { recallTable } from '../../../trainer/evaluate/keeper-table.ts'
import { attributes } from '../../../trainer/data/keeper/attributes.ts'

const grid: RecallOptions = {
  seed: 5,
  conditions: ['train', 'heldout', 'unseen', 'corrected', 'untold'],
  facts: [1, 4, 16],
  distances: [0, 1, 10],
  conversations: 3,
}

describe('evaluateRecall', () => {
  test('one who reads back the whole conversation knows everything', async () => {
    for (const forks of [true, false]) {
      const { cells, misses } = await evaluateRecall(reader(Infinity, forks), grid)
      expect(misses).toEqual([])
      expect(cells).toHaveLength(5 * 3 * 3)
      expect(cells.every(({ share, interval }) => share === 1 && interval[1] === 1)).toBe(true)
      for (const { facts, asked } of cells) expect(asked).toBe(facts * 3)
    }
  })

  test('one who remembers five messages forgets what is further back', async () => {
    const { cells } = await evaluateRecall(reader(5, true), { ...grid, conditions: ['heldout'] })
    const share = (facts: number, distance: number) =>
      cells.find((cell) => cell.facts === facts && cell.distance === distance)?.share
    expect(share(4, 0)).toBe(1)
    expect(share(4, 10)).toBe(0)
    expect(share(16, 0)).toBeCloseTo(5 / 16, 1)
  })

  test('one who never knows is right only where nothing was told', async () => {
    const { cells } = await evaluateRecall(reader(0, true), grid)
    for (const { condition, share, ignorant, asked } of cells) {
      expect(share).toBe(condition === 'untold' ? 1 : 0)
      expect(ignorant).toBe(asked)
    }
  })

  test('one who keeps the first value is stale wherever there was a correction', async () => {
    const { cells, misses } = await evaluateRecall(reader(Infinity, true, true), { ...grid, conditions: ['corrected'] })
    for (const { right, stale, asked } of cells) expect([right, stale]).toEqual([0, asked])
    expect(misses[0]?.question).toBeDefined()
  })

  test('the same seed gives the same conversations, forked or not, and the questions can be limited', async () => {
    const heard = async (forks: boolean, seed: number): Promise<Set<string>> => {
      const said = new Set<string>()
      await evaluateRecall(
        reader(Infinity, forks, false, (user) => said.add(user)),
        { ...grid, seed, facts: [8], conversations: 1 },
      )
      return said
    }
    expect(await heard(true, 1)).toEqual(await heard(true, 1))
    expect(await heard(true, 1)).not.toEqual(await heard(true, 2))
    const { cells } = await evaluateRecall(reader(Infinity, true), { ...grid, facts: [16], questions: 5 })
    expect(cells.every(({ asked }) => asked === 15)).toBe(true)
  })

  test('a guess among what was told is measured by how many values of its kind there are', async () => {
    const { cells } = await evaluateRecall(reader(0, true), { ...grid, conditions: ['heldout'], facts: [1, 64] })
    expect(cells[0]?.chanceTold).toBe(1)
    expect(cells.at(-1)?.chanceTold).toBeGreaterThan(0.05)
    expect(cells.at(-1)?.chanceTold).toBeLessThan(0.35)
    expect(cells[0]?.chanceSet).toBeLessThan(0.01)
  })

  test('distances are counted in tokens where somebody counts', async () => {
    const { cells } = await evaluateRecall(reader(0, true), {
      ...grid,
      tokens: (text) => text.split(' ').length,
      conditions: ['train'],
    })
    const [none, one, ten] = cells.map(({ distanceTokens }) => distanceTokens)
    expect(none).toBe(0)
    expect(one).toBeGreaterThan(2)
    expect(ten).toBeGreaterThan(50)
  })

  test('the table has a row for each number of facts and a column for each distance', async () => {
    const table = recallTable(await evaluateRecall(reader(5, true), { ...grid, conditions: ['heldout', 'untold'] }))
    expect(table).toContain('**heldout** (3 conversations a row, seed 5)')
    expect(table).toContain(
      '| facts | after 0 turns | after 1 turn | after 10 turns | guess among what was told | blind guess |',
    )
    expect(table).toMatch(/\| 4 \| 100 \(75.8 to 100\) \| 100 \(75.8 to 100\) \| 0 \(0 to 24.2\) \|/)
  })
})

describe('scores', () => {
  test('a value counts as a word of its own only', () => {
    expect(holdsValue('Your pin is 47.', '47')).toBe(true)
    expect(holdsValue('Your pin is 4711.', '47')).toBe(false)
    expect(holdsValue('Your pin is 4711, not 47!', '47')).toBe(true)
    expect(holdsValue('Your sister is Annabel.', 'Anna')).toBe(false)
    expect(holdsValue('It is K7-QX3', 'K7-QX3')).toBe(true)
  })

  test('not knowing is recognised in both of its wordings', () => {
    expect(["I don't know your pin.", 'You have not told me your pin.', 'Your pin is 3.'].map(admitsIgnorance)).toEqual(
      [true, true, false],
    )
  })

  test("Wilson's interval is that of the textbook (9 of 10; 0 of 10; none asked)", () => {
    expect(wilsonInterval(9, 10).map((bound) => bound.toFixed(4))).toEqual(['0.5958', '0.9821'])
    expect(wilsonInterval(0, 10).map((bound) => bound.toFixed(4))).toEqual(['0.0000', '0.2775'])
    expect(wilsonInterval(0, 0)).toEqual([0, 1])
  })
})

/** Answers by looking for the attribute in its last `memory` messages (the newest statement, or the oldest). */
function reader(
  memory: number,
  forks: boolean,
  oldest = false,
  heard?: (user: string) => void,
  past: string[] = [],
): Answerer {
  const answerer: Answerer = {
    reset() {
      past.length = 0
      return Promise.resolve()
    },
    say(user) {
      heard?.(user)
      const known = memory === 0 ? [] : past.slice(-memory)
      const reply = isStatement(user) ? 'Noted.' : answer(user, oldest ? known : known.toReversed())
      past.push(user)
      return Promise.resolve(reply)
    },
  }
  return forks ? { ...answerer, fork: () => Promise.resolve(reader(memory, true, oldest, heard, [...past])) } : answerer
}

function isStatement(user: string): boolean {
  return valueOf(user) !== undefined
}

function answer(question: string, messages: readonly string[]): string {
  const about = attributeOf(question)
  const told = messages.find((message) => isStatement(message) && attributeOf(message) === about)
  return told === undefined ? "I don't know." : `It is ${valueOf(told) as string}.`
}

const wordings = attributes.map(({ phrase, tells, asks }) => ({
  phrase,
  tells: tells.map(pattern),
  own: [...tells, ...asks].map(pattern),
  named: new RegExp(`\\b(?:my (?:new )?|which )${phrase}\\b(?!'s)`, 'i'),
}))

/** The attribute that a message is about, whichever way it is said. */
function attributeOf(message: string): string | undefined {
  const own = wordings.find((wording) => wording.own.some((shape) => shape.test(message)))
  if (own !== undefined) return own.phrase
  const named = wordings.filter((wording) => wording.named.test(message))
  return named.toSorted((a, b) => b.phrase.length - a.phrase.length)[0]?.phrase
}

function valueOf(message: string): string | undefined {
  for (const { tells } of wordings) {
    for (const shape of tells) {
      const value = shape.exec(message)?.[1]
      if (value !== undefined) return value
    }
  }
  return /\bmy (?:new )?[a-z' ]+? (?:is now|is really|is|will be|changed to|to) ([^?]+?)\.?$/i.exec(message)?.[1]
}

function pattern(wording: string): RegExp {
  const body = wording.replace(/[.?]$/, '').replace('{v}', '([^?]+?)')
  return new RegExp(`(?:^|[ ,:])${body}[.?]?$`, 'i')
}
