import { describe, expect, test } from 'vitest'
import type { EngineEvent } from '../../../server/engine/messages.ts'
import { Outbox } from '../../../server/engine/outbox.ts'

const text = (id: number, letters: string, first = false): EngineEvent => ({
  kind: 'text',
  id,
  choice: 0,
  first,
  text: letters,
  tokens: [],
})
const done = (id: number): EngineEvent => ({
  kind: 'done',
  id,
  choice: 0,
  reason: 'eos',
  generated: [],
  end: null,
  checkpoint: null,
  prefillCalls: null,
  calls: null,
  gates: {},
  drafts: null,
  exits: null,
  intervals: [],
})

function outbox() {
  const sent: EngineEvent[][] = []
  return { sent, box: new Outbox((events) => sent.push([...events])) }
}

const wait = (ms: number): void => {
  const until = performance.now() + ms
  while (performance.now() < until);
}

describe('what the engine says', () => {
  test('the first text of each reply and everything but text is sent at once', () => {
    const { sent, box } = outbox()
    box.add([text(1, 'a', true)])
    box.add([text(2, 'x', true)])
    box.add([{ kind: 'progress', id: 3, prefilled: 1, total: 2 }])
    expect(sent).toHaveLength(3)
    box.add([text(1, 'b'), done(1)])
    expect(sent[3]).toEqual([text(1, 'b'), done(1)])
  })

  test('further text of fast steps is gathered, in order, and lost never', () => {
    const { sent, box } = outbox()
    box.add([text(1, '0')])
    const letters = Array.from({ length: 400 }, (_, i) => String(i % 10))
    for (const letter of letters) box.add([text(1, letter)])
    box.flush()
    const said = sent.flat().map((event) => (event.kind === 'text' ? event.text : ''))
    expect(said.join('')).toBe(`0${letters.join('')}`)
    expect(sent.length).toBeLessThan(300)
  })

  test('text of slow steps is sent with its step', () => {
    const { sent, box } = outbox()
    for (let i = 0; i < 5; i++) {
      box.add([text(1, 'a')])
      wait(3)
    }
    expect(sent).toHaveLength(5)
  })
})
