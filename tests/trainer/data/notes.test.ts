import { describe, expect, it } from 'vitest'
import * as fc from 'fast-check'
import { notesText } from '../../../runtime/notes.ts'
import { notesDataset } from '../../../trainer/data/notes/dataset.ts'
import type { Case, Example } from '../../../trainer/data/notes/conversation.ts'
import { exampleSource } from '../../../trainer/data/notes/example.ts'
import { peopleExample } from '../../../trainer/data/notes/people-example.ts'
import { readReplies } from '../../../trainer/data/notes/replies.ts'
import { topics } from '../../../trainer/data/notes/topics.ts'
import { loadAdapter } from '../../../trainer/export/adapter.ts'
import { openText } from '../../../runtime/text.ts'
import { Random } from '../../../trainer/random.ts'

const replies = readReplies()
const drawn = (part: 'train' | 'heldout', kind: Case, n: number) => {
  const draw = exampleSource(replies, part)
  const random = new Random(`test ${part} ${kind}`)
  return Array.from({ length: n }, () => draw(random, kind))
}

describe('notes as a model reads them', () => {
  it('stand under one heading, each on one line, the newest last', () => {
    expect(notesText([{ text: "I'm allergic to peanuts." }, { text: 'I live in Oslo.' }])).toBe(
      "Notes about the user from earlier conversations:\n- I'm allergic to peanuts.\n- I live in Oslo.",
    )
  })

  it('have as many lines as there are notes, whatever is written in them', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'grapheme' })), (texts) => {
        const lines = notesText(texts.map((text) => ({ text }))).split(/\r\n|[\n\r\u2028\u2029]/)
        expect(lines).toHaveLength(texts.length + 1)
      }),
    )
  })
})

describe('generated conversations with notes', () => {
  it.each(['train', 'heldout'] as const)('answer with a value that stands in a note (%s)', (part) => {
    for (const { notes, reply, values } of [...drawn(part, 'told', 500), ...drawn(part, 'corrected', 300)]) {
      expect(values).toHaveLength(1)
      expect(reply).toContain(values[0])
      const said = notes
        .join('\n')
        .toLowerCase()
        .replaceAll(/\bmy\b/g, 'your')
      expect(said).toContain(values[0]!.toLowerCase())
    }
  })

  it('say that it was not told where the notes do not know, and in no other case', () => {
    for (const { reply } of drawn('train', 'untold', 500)) expect(reply).toMatch(/^You have not told me .*\.$/)
    for (const kind of ['told', 'corrected', 'within', 'whether'] as const)
      for (const { reply } of drawn('train', kind, 200)) expect(reply).not.toContain('not told me')
  })

  it('use what the base model said itself for prompts that have nothing to do with notes', () => {
    const known = new Map(replies.map(({ prompt, reply }) => [prompt, reply]))
    for (const { messages, reply } of drawn('train', 'plain', 200))
      expect(known.get(messages.at(-1)!.content)).toBe(reply)
  })

  it('have no topic twice', () => {
    const nouns = topics.map(({ noun }) => noun)
    expect(nouns.filter((noun, i) => nouns.indexOf(noun) !== i)).toEqual([])
  })

  it('are the same for the same seed', () => {
    expect(drawn('train', 'told', 20)).toEqual(drawn('train', 'told', 20))
  })
})

describe("conversations with notes in people's own words", () => {
  const drawn = (kind: 'told' | 'corrected' | 'untold', n: number, part: 'train' | 'heldout' = 'train') => {
    const random = new Random(`people ${part} ${kind}`)
    return Array.from({ length: n }, () => peopleExample(random, part, kind))
  }

  it('answer in words that stand in a note or in the question', () => {
    const fresh = ({ notes, messages, reply }: Example): string[] => {
      const said = [...notes, messages.at(-1)!.content].join(' ').toLowerCase()
      const values = reply.match(/\d[\d.,:/-]*\d|\d|(?<=\s)\p{Lu}[\p{L}-]*/gu) ?? []
      return values.filter((value) => !said.includes(value.toLowerCase()))
    }
    const examples = [...drawn('told', 500), ...drawn('corrected', 300)]
    expect(examples.flatMap(fresh).length).toBeLessThan(5) // a plural made singular, here and there
  })

  it('say that it was not told where the notes do not know', () => {
    for (const { reply } of drawn('untold', 300)) expect(reply).toMatch(/^You have not told me/)
    const denials = drawn('told', 500).filter(({ reply }) => reply.startsWith('You have not told me'))
    expect(denials.length).toBeLessThan(10) // a few of the writers' questions are not answered by what they told
  })

  it('have no line of those kept aside', () => {
    const trained = new Set(drawn('told', 2000).map(({ messages }) => messages.at(-1)!.content))
    const kept = drawn('told', 300, 'heldout').map(({ messages }) => messages.at(-1)!.content)
    expect(kept.filter((question) => trained.has(question)).length).toBeLessThan(5) // two people may ask the same
  })
})

describe('rows of notes', () => {
  const folder = 'models/pretrained/notes'
  const codec = openText(folder)
  const open = (seed: number) => notesDataset({ batch: 2, sequenceLength: 192, codec, seed, part: 'train' })

  it('are learned where the reply stands, and nowhere else', async () => {
    const { ids, targets, weights } = await open(1).next()
    for (const row of [0, 1]) {
      const at = (t: number): number => row * 192 + t
      const first = weights.subarray(at(0), at(192)).indexOf(1)
      const learned = [...targets.subarray(at(0), at(192))].filter((_, t) => weights[at(t)] === 1)
      const prompt = codec.decode([...ids.subarray(at(0), at(first + 1))])
      expect(prompt.endsWith('assistant\n')).toBe(true)
      expect(codec.decode(learned)).not.toContain('Notes about the user')
      expect(learned.length).toBeGreaterThan(1)
    }
  })

  it('go on from a position to the same rows', async () => {
    const data = open(3)
    await data.next()
    const position = data.position()
    const next = await data.next()
    const again = open(3)
    await again.seek(position)
    expect([...(await again.next()).ids]).toEqual([...next.ids])
  })

  it('made the adapter that is given away: finite numbers for a base of the same shape, read from float16', async () => {
    const adapter = await loadAdapter(folder, undefined)
    expect(adapter?.model.architecture).toBe('adapter')
    expect(adapter!.weights.size).toBe(30 * 7 * 2)
    for (const values of adapter!.weights.values()) {
      expect(values).toBeInstanceOf(Float32Array)
      expect(values.every(Number.isFinite)).toBe(true)
    }
  })
})
