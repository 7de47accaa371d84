import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { Batch, Dataset } from '../../../trainer/data/batch.ts'
import { attributes } from '../../../trainer/data/keeper/attributes.ts'
import type { Turn } from '../../../trainer/data/keeper/chat.ts'
import { keeperDataset, type Stage } from '../../../trainer/data/keeper/dataset.ts'
import { chatTurns, type ChatPlan } from '../../../trainer/data/keeper/document.ts'
import { turnEncoder } from '../../../trainer/data/keeper/encode.ts'
import { corrections, questions, tells } from '../../../trainer/data/keeper/phrasing.ts'
import { drawValue, splitOf, type Kind } from '../../../trainer/data/keeper/values.ts'
import { Random } from '../../../trainer/random.ts'
import { openText } from '../../../runtime/text.ts'

const codec = openText(join(import.meta.dirname, '../../../trainer/tokenizer/keeper'))
const stages: Stage[] = [
  { untilTokens: 3000, facts: [1, 4], gap: [0, 60], chunks: 2 },
  { untilTokens: 1e9, facts: [4, 64], gap: [0, 400], chunks: 5 },
]

function turns(seed: number, count: number, facts: [number, number] = [1, 32], plan: Partial<ChatPlan> = {}): Turn[] {
  const made: Turn[] = []
  for (const turn of chatTurns(new Random(seed), { facts, gap: [0, 100], ...plan }, 1e5, () => made.length * 22)) {
    made.push(turn)
    if (made.length === count) break
  }
  return made
}

describe('keeper chats', () => {
  test('there are at least a hundred attributes and no two share a phrase', () => {
    expect(attributes.length).toBeGreaterThanOrEqual(100)
    expect(new Set(attributes.map(({ phrase }) => phrase)).size).toBe(attributes.length)
  })

  test('every answer gives the value that was told last for what is asked', () => {
    const statement =
      /my (?:new )?([a-z' ]+?) (?:is now|is really|is|will be|changed to|to) (.+?)(?:, (?=my)| and (?=my)|\.?$)/gi
    let checked = 0
    for (let seed = 0; seed < 30; seed++) {
      const current = new Map<string, string>()
      const mentioned = new Set<string>()
      for (const { user, reply, recalled } of turns(seed, 300)) {
        const asked = /^Your (.+?) is /.exec(reply)?.[1]
        if (recalled === undefined) {
          for (const [, phrase, value] of user.matchAll(statement)) current.set(phrase as string, value as string)
          mentioned.add(user)
        } else if (asked !== undefined) {
          expect(recalled, reply).toBe(current.get(asked) ?? recalled)
          expect(
            [...mentioned].some((text) => text.includes(` ${recalled}`)),
            reply,
          ).toBe(true)
          if (current.has(asked)) checked++
        }
      }
    }
    expect(checked).toBeGreaterThan(1000)
  })

  test('a question does not hold its answer', () => {
    for (const turn of turns(5, 2000)) if (turn.recalled !== undefined) expect(turn.user).not.toContain(turn.recalled)
  })

  test('about a tenth of every value set is held out, and drawing keeps to the wanted part', () => {
    const random = new Random(1)
    for (const kind of new Set<Kind>(attributes.map((attribute) => attribute.kind))) {
      const heldOut = Array.from({ length: 50 }, () => drawValue(random, kind, 'heldout'))
      expect(heldOut.every((value) => splitOf(kind, value) === 'heldout')).toBe(true)
      const free = new Set(Array.from({ length: 3000 }, () => drawValue(random, kind, 'train')))
      expect([...free].every((value) => splitOf(kind, value) === 'train')).toBe(true)
      expect(free.size).toBeGreaterThan(250)
    }
  })

  test('about a fifth of the wordings are kept for the evaluation and none is in both parts', () => {
    for (const { seen, unseen } of [tells, corrections, questions]) {
      expect(unseen.length / (seen.length + unseen.length)).toBeGreaterThan(0.15)
      expect(unseen.filter((wording) => seen.includes(wording))).toEqual([])
    }
  })

  test('training never shows a held-out wording', () => {
    const kept = [tells, corrections, questions].flatMap(({ unseen }) => unseen.map(shape))
    for (const turn of turns(2, 3000))
      expect(
        kept.some((pattern) => pattern.test(turn.user)),
        turn.user,
      ).toBe(false)
  })

  test('no value runs from a word into the next one', () => {
    const encode = turnEncoder(codec)
    const unit = (text: string): number[] => codec.encodeWithSpecial(text)
    for (const turn of turns(11, 2000)) {
      const out = { ids: [], weights: [] }
      encode(turn, out)
      expect(out.ids).toEqual([
        ...unit('<|user|>'),
        ...codec.encode(turn.user),
        ...unit('<|end|><|assistant|>'),
        ...codec.encode(turn.reply),
        ...unit('<|end|>'),
      ])
    }
  })

  test('recalled values weigh more than replies, and replies more than what the user says', () => {
    const turn = { user: 'What is my pin?', reply: 'Your pin is 4711.', recalled: '4711' }
    const out = { ids: [] as number[], weights: [] as number[] }
    turnEncoder(codec)(turn, out)
    const weighted = (weight: number): string => codec.decode(out.ids.filter((_, i) => out.weights[i] === weight))
    expect(weighted(3)).toBe(' 4711')
    expect(weighted(1)).toBe('Your pin is.')
    expect(weighted(0.1)).toBe('What is my pin?')
    expect(out.weights.at(-1)).toBe(1)
  })
})

describe('keeperDataset', () => {
  test('targets are the ids one later, also across the pieces of a document', async () => {
    const data = open()
    let before: Batch | undefined
    for (let step = 0; step < 30; step++) {
      const batch = await data.next()
      for (let row = 0; row < 3; row++) {
        for (let t = 0; t < 127; t++) expect(batch.targets[row * 128 + t]).toBe(batch.ids[row * 128 + t + 1])
        if (batch.carry[row] === 1) expect(batch.ids[row * 128]).toBe(before?.targets[row * 128 + 127])
        else expect([batch.ids[row * 128]]).toEqual(codec.encodeWithSpecial('<|user|>'))
      }
      before = batch
    }
  })

  test('documents have the number of pieces of their stage', async () => {
    const data = open()
    const carries: number[] = []
    for (let step = 0; step < 28; step++) carries.push((await data.next()).carry[0] as number)
    expect(carries.join('')).toBe('01010101' + '01111'.repeat(4))
  })

  test('interrupted and continued gives the same batches as uninterrupted', async () => {
    for (const steps of [0, 1, 2, 9, 13]) {
      const whole = open()
      for (let step = 0; step < steps; step++) await whole.next()
      const resumed = open()
      await resumed.seek(JSON.parse(JSON.stringify(whole.position())))
      for (let step = 0; step < 12; step++) expect(await resumed.next()).toEqual(await whole.next())
      expect(resumed.position()).toEqual(whole.position())
    }
  })

  test('rows differ from each other and seeds from seeds', async () => {
    const { ids } = await open().next()
    expect(ids.slice(0, 128)).not.toEqual(ids.slice(128, 256))
    expect((await open(2).next()).ids).not.toEqual(ids)
  })

  test('a position of another batch size is refused', async () => {
    const other = keeperDataset({ batch: 2, sequenceLength: 128, codec, seed: 1, stages })
    expect(() => other.seek(open().position())).toThrow('expected a position of 2 rows, got 3')
  })
})

function open(seed = 1): Dataset {
  return keeperDataset({ batch: 3, sequenceLength: 128, codec, seed, stages })
}

/** Matches what a wording makes. */
function shape(wording: string): RegExp {
  const literal = wording.replace(/[.?]/g, String.raw`\$&`)
  return new RegExp(`^${literal.replace('{a}', '.+').replace('{v}', '.+')}$`)
}
