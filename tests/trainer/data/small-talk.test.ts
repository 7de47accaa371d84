import { describe, expect, test } from 'vitest'
import { openText } from '../../../runtime/text.ts'
import { smallTalkDataset } from '../../../trainer/data/small-talk/dataset.ts'
import { smallTalkLines, smallTalkWriter, wordsIn } from '../../../trainer/data/small-talk/lines.ts'
import { generalReplies, smallTalkReplies } from '../../../trainer/data/small-talk/replies.ts'
import { Random } from '../../../trainer/random.ts'
import { byteTokenizer } from '../../support/byte-tokenizer.ts'

const train = smallTalkLines('train')
const heldOut = smallTalkLines('heldout')
const replies = smallTalkReplies()

describe('small talk', () => {
  test('nothing is said twice, and about a ninth of it is kept for the evaluation', () => {
    const said = [...train, ...heldOut].map(({ says }) => says)
    expect(new Set(said).size).toBe(said.length)
    expect(heldOut.length / said.length).toBeCloseTo(0.115, 2)
  })

  test('each line has one of the replies, and each reply has lines', () => {
    const used = new Set(train.map(({ reply }) => reply))
    expect([...train, ...heldOut].filter(({ reply }) => !replies.includes(reply))).toEqual([])
    expect(replies.filter((reply) => !used.has(reply))).toEqual([])
    expect(new Set(replies).size).toBe(replies.length)
  })

  const toTellings = 'Okay, I will remember that.'
  test.each([...new Set([...replies, ...generalReplies()])].filter((reply) => reply !== toTellings))(
    '"%s" is short and promises nothing',
    (reply) => {
      expect(reply.split(' ').length).toBeLessThanOrEqual(16)
      expect(reply).not.toMatch(/\bI will\b|\bI'll\b/)
    },
  )

  test('variations never say what is kept for the evaluation', () => {
    const random = new Random(3)
    const draw = smallTalkWriter()
    const kept = new Set(heldOut.map(({ says }) => wordsIn(says)))
    expect(train.filter(({ says }) => kept.has(wordsIn(says)))).toEqual([])
    for (let i = 0; i < 5000; i++) {
      const { says, reply } = draw(random)
      expect(kept.has(wordsIn(says)), says).toBe(false)
      expect(replies).toContain(reply)
    }
  })

  test('rows are what is said and the number of its reply, the same again after a seek', async () => {
    const codec = openText(byteTokenizer())
    const open = () => smallTalkDataset({ batch: 8, sequenceLength: 40, codec, seed: 1, part: 'heldout' })
    const data = open()
    await data.next()
    const position = data.position()
    const { ids, targets } = await data.next()
    const said = new Map(heldOut.map(({ says, reply }) => [codec.encode(says).slice(0, 40).join(' '), reply]))
    for (let row = 0; row < 8; row++) {
      const own = [...ids.subarray(row * 40, (row + 1) * 40)].filter((id) => id !== 0)
      expect(replies[targets[row]!]).toBe(said.get(own.join(' ')))
    }
    const again = open()
    await again.seek(position)
    expect((await again.next()).ids).toEqual(ids)
  })
})
