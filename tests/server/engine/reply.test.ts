import { describe, expect, test } from 'vitest'
import * as fc from 'fast-check'
import { marked } from '../../../runtime/reply/mark.ts'
import { Reply } from '../../../server/engine/reply.ts'
import type { Draw } from '../../../server/engine/sampler.ts'
import { createStopFilter } from '../../../server/engine/stop-filter.ts'
import { byteCodec, END } from '../../support/fake-model.ts'

const short = fc.string({ unit: fc.constantFrom('a', 'b', 'é', '😀'), minLength: 1, maxLength: 4 })

const push = (reply: Reply, id: number) => reply.push({ id, logprob: -1, top: [{ id: 97, logprob: -2 }] })

/** All that a filter shows of `pieces`. */
function shown(pieces: readonly string[], stops: readonly string[]): { text: string; stopped: string | null } {
  const filter = createStopFilter(stops)
  let text = ''
  for (const piece of pieces) {
    const taken = filter.push(piece)
    text += taken.text
    if (taken.stopped !== null) return { text, stopped: taken.stopped }
  }
  return { text: text + filter.flush(), stopped: null }
}

describe('stop strings', () => {
  test('cut the text where the first of them begins, however the text is split', () => {
    const pieces = fc.array(short, { maxLength: 30 })
    fc.assert(
      fc.property(pieces, fc.array(short, { minLength: 1, maxLength: 4 }), (pieces, stops) => {
        const whole = pieces.join('')
        const result = shown(pieces, stops)
        expect(stops.some((stop) => result.text.includes(stop))).toBe(false)
        expect(whole.startsWith(result.text)).toBe(true)
        if (result.stopped === null) expect(result.text).toBe(whole)
        else expect(whole.startsWith(result.text + result.stopped)).toBe(true)
      }),
    )
  })

  test('a possible beginning is held back, and given out when it was none', () => {
    const filter = createStopFilter(['STOP'])
    expect(filter.push('abST')).toEqual({ text: 'ab', stopped: null })
    expect(filter.push('AY')).toEqual({ text: 'STAY', stopped: null })
    expect(filter.push('STOP it')).toEqual({ text: '', stopped: 'STOP' })
  })
})

describe('a reply', () => {
  const limits = { maxTokens: 100, stop: [], logprobs: true }

  test('never shows part of a character and never U+FFFD', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 20 }), fc.nat(40), (text, cut) => {
        const bytes = [...Buffer.from(text)]
        const reply = new Reply(byteCodec, { ...limits, maxTokens: Math.max(1, Math.min(cut, bytes.length)) })
        let seen = ''
        for (const id of bytes) {
          const progress = push(reply, id)
          expect(progress.text).not.toMatch(/\p{Surrogate}|\u{FFFD}/u)
          seen += progress.text
          if (progress.finished) break
        }
        expect(text.startsWith(seen)).toBe(true)
      }),
    )
  })

  test('ends at the end token, which is no text', () => {
    const reply = new Reply(byteCodec, limits)
    expect(push(reply, 104)).toMatchObject({ text: 'h', finished: null })
    expect(push(reply, END)).toEqual({ text: '', tokens: [], finished: 'eos' })
    expect(reply.generated).toEqual([104, END])
  })

  test('gives out what it held back when it ends otherwise', () => {
    const reply = new Reply(byteCodec, { ...limits, stop: ['xyz'] })
    expect(push(reply, 120).text).toBe('')
    const last = push(reply, END)
    expect(last.text).toBe('x')
    expect(last.tokens.map(({ bytes }) => bytes)).toEqual([[120]])
  })

  test('log-probabilities come with the text of their tokens, and stop with it', () => {
    const reply = new Reply(byteCodec, { ...limits, stop: ['bc'] })
    const events = [...Buffer.from('abc')].map((id) => push(reply, id))
    expect(events.map(({ text }) => text)).toEqual(['a', '', ''])
    expect(events.flatMap(({ tokens }) => tokens.map(({ bytes }) => bytes))).toEqual([[97]])
    expect(events.at(-1)?.finished).toBe('stop')
  })
})

describe('a token with a meaning', () => {
  const draw = (id: number): Draw => ({ id, logprob: 0, top: [] })
  const marks = { tokens: [{ id: 300, text: '<call>' }], last: [] as number[] }

  test('stands in the text, marked, and is no part of a stop string', () => {
    const reply = new Reply(byteCodec, { maxTokens: 50, stop: ['ab'], logprobs: false, marks })
    const texts = [97, 300, 98, 99].map((id) => reply.push(draw(id)).text)
    expect(texts).toEqual(['', `a${marked('<call>')}`, 'b', 'c'])
  })

  test('is told from the same characters, and from the marks themselves', () => {
    const reply = new Reply(byteCodec, { maxTokens: 50, stop: [], logprobs: false, marks })
    const text = [...Buffer.from(marked('<call>'))].map((byte) => reply.push(draw(byte)).text).join('')
    expect(text).toBe('\u{FFFD}<call>\u{FFFD}')
  })

  test('ends the reply where it is asked for', () => {
    const reply = new Reply(byteCodec, { maxTokens: 50, stop: [], logprobs: false, marks: { ...marks, last: [300] } })
    expect(reply.push(draw(97)).finished).toBeNull()
    expect(reply.push(draw(300))).toEqual({ text: marked('<call>'), tokens: [], finished: 'stop' })
  })
})
