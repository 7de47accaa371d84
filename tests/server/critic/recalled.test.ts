import { describe, expect, test } from 'vitest'
import { checkReply } from '../../../server/critic/check-reply.ts'
import { candidatesFor } from '../../../server/critic/candidates.ts'
import { quotedBy, recalled, recollect } from '../../../server/critic/recalled.ts'
import { withoutStale } from '../../../server/critic/shown-sentence.ts'
import type { KnownFact } from '../../../server/critic/verdict.ts'
import type { MemoryHit } from '../../../server/store/memory-calls.ts'
import { askedBy } from '../../../server/memory/facts/asked-by.ts'
import { readQuestion } from '../../../server/memory/recall/question.ts'

const factOf = (id: string, attribute: string, value: string, text: string, holds = true): KnownFact => {
  return { id, subject: 'user', attribute, value, text, holds }
}

const hitOf = (id: string, text: string, similarity: number | null = null): MemoryHit => {
  const times = { created: 1, updated: 1, expires: null, ended: null }
  const memory = { id, namespace: 'default', user: null, text, metadata: {}, ...times, source: null, fact: null }
  return { memory, score: 1, words: 1, similarity, topic: null }
}

function answerTo(
  question: string,
  reply: string,
  facts: readonly KnownFact[],
  heard: readonly string[] = [],
  found: readonly MemoryHit[] = [],
  knowsOnlyTold = false,
  mayMiss = false,
): unknown {
  const notes = heard.map((text, at) => ({ id: `note_${at}`, text }))
  const remembered = { asked: askedBy(question), found, contexts: new Map(), reads: new Map(), facts, heard: notes }
  const recollection = recollect(question, remembered, knowsOnlyTold)
  const verdicts = checkReply({ question, reply, facts, notes })
  const decision =
    recollection &&
    recalled(question, recollection, reply, verdicts, remembered, {
      mayMiss,
      knowsOnlyTold,
    })
  return decision?.action === 'replace' ? decision.text : decision?.action
}

describe("what a user's own sentences answer", () => {
  test('a statement that no rule has read is quoted where it answers', () => {
    const told = ['the boiler gets its service on the 3rd', 'the kitchen is green']
    const hits = told.map((text, at) => hitOf(`${at}`, text, at === 0 ? 0.9 : 0.2))
    expect(answerTo('when does the boiler get its service?', 'Good to know.', [], [], hits)).toBe(
      `You told me: "${told[0]}"`,
    )
  })

  test('what others would look up is answered by what was told where nothing else is known, and never denied', () => {
    const told = 'Marjorie at 12 can let us in when we are locked out'
    const ask = (question: string, similarity: number, knowsOnlyTold: boolean): unknown =>
      answerTo(question, 'I see.', [], [], [hitOf('marjorie', told, similarity)], knowsOnlyTold)
    expect(ask('who can let me in when I am locked out?', 0.8, true)).toBe(`You told me: "${told}"`)
    expect(ask('who can let me in when I am locked out?', 0.8, false)).toBeUndefined()
    expect(ask('who can paint my fence?', 0.2, true)).toBeUndefined()
  })

  test('a reply that has the value and is about something else is none', () => {
    const code = factOf('code', 'locker code', '4071', 'My locker code is 4071.')
    const ask = (reply: string): unknown => answerTo('What is my locker code?', reply, [code])
    expect(ask('Your favorite cat weighs 4071.')).toBe('You told me: "My locker code is 4071."')
    expect(ask('Your locker code is 4071.')).toBe('keep')
  })

  test('a value that was told of something else is no answer', () => {
    const works = {
      ...factOf('works', 'employer', 'Silva & Sons', 'My grandmother works for Silva & Sons.'),
      subject: 'grandmother',
    }
    const told = hitOf('works', works.text, 0.6)
    const ask = (reply: string): unknown => answerTo("grandmother's name?", reply, [works], [], [told])
    expect(ask("Your grandmother's name is Silva & Sons.")).not.toBe('keep')
    const code = factOf('code', 'locker combination', '4071', 'My locker combination is 4071.')
    const near = hitOf('code', code.text, 0.9)
    expect(answerTo('locker code?', 'Your locker code is 4071.', [code], [], [near])).toBe('keep')
  })

  test('what was told of another topic of the same being is no answer', () => {
    const name = { ...factOf('name', 'name', 'Pesto', 'my dog is called Pesto'), subject: 'dog' }
    const ask = (question: string): unknown =>
      answerTo(question, "Your dog's name is Pesto.", [name], [], [hitOf('name', name.text, 0.8)], true)
    expect(ask("what is my dog's breed?")).not.toBe('keep')
    expect(ask("what is my dog's name?")).toBe('keep')
  })

  test('a reply of a model that knows only what was told stands where it has the value in whole words and no others of its own', () => {
    const told = factOf('landlord', 'landlord', 'Mr Petrov', 'my landlord is called Mr Petrov')
    const ask = (reply: string): unknown => answerTo('who is my landlord', reply, [told], [], [], true)
    const quoted = 'You told me: "my landlord is called Mr Petrov"'
    expect(ask('Your landlord is Mr Petrovri.')).toBe(quoted)
    expect(ask("Your landlord's phone extension is Mr Petrov.")).toBe(quoted)
    expect(ask('Your landlord is named Mr Petrov.')).toBe('keep')
  })

  test('a denial of something else than was asked is put right', () => {
    const ask = (reply: string): unknown => answerTo('What colour is my van?', reply, [], [], [], true)
    expect(ask("I don't know your birthday.")).toBe('You have not told me that.')
    expect(ask("I don't know the colour of your van.")).toBe('keep')
  })

  test('what a correction says nothing of is answered by what it corrected', () => {
    const told = 'on the side i braid hair, knotless braids at 1200, takes me like 5 hours'
    const by = hitOf('now', 'actually its 1500 now for knotless').memory
    const remembered = { asked: [], found: [], contexts: new Map(), reads: new Map(), facts: [], heard: [] }
    const ask = (question: string): string | undefined =>
      candidatesFor(readQuestion(question, true)!, { ...remembered, replaced: [{ id: 'old', text: told, by }] })
        .ofWords[0]?.text
    expect(ask('how long does braiding take me')).toBe(told)
    expect(ask('how much do i charge for knotless braids')).toBe(by.text)
  })

  test('what only comes near is not shown for a question that may be of the world', () => {
    const told = "We're off to Slovenia in September"
    const hits = [hitOf('trip', told, 0.3)]
    expect(answerTo("what's the capital of Slovenia?", 'I see.', [], [], hits, true)).toBe('You have not told me that.')
  })

  test('of two statements that answer, the later one holds', () => {
    const told = ['the choir meets at six', 'the choir meets at seven']
    const hits = told.map((text, at) => hitOf(`${at}`, text, 0.85))
    expect(answerTo('when does the choir meet?', 'I see.', [], [], hits)).toBe(`You told me: "${told[1]}"`)
  })

  test('a question about the user that nothing answers was not told, whatever the reply says', () => {
    expect(answerTo('who waters my plants?', 'Good to know.', [], ['the kitchen is green'])).toBe(
      'You have not told me that.',
    )
  })

  test('what may answer is said to be no more than near', () => {
    const told = ['the plumber comes thursday at 8']
    expect(answerTo('what does the plumber come for?', 'I see.', [], told)).toBe(
      `You have not told me that in so many words. What comes nearest: "${told[0]}"`,
    )
  })

  test('what comes near is not said to be told where not all that was told is known either', () => {
    const told = ['the plumber comes thursday at 8']
    const reply = answerTo('what does the plumber come for?', 'I see.', [], told, [], false, true)
    expect(reply).toBe(`I do not know all that you told me. What comes nearest: "${told[0]}"`)
    expect(quotedBy(String(reply))).toBe(told[0])
  })

  test('among a thousand facts an answer has to be surer, and one on just what is asked is sure', () => {
    const many = Array.from({ length: 1000 }, (_, i) => factOf(`${i}`, `code ${i}`, `${i}`, `My code ${i} is ${i}.`))
    const told = ['the plumber comes thursday at 8']
    const hits = [hitOf('plumber', told[0]!, 0.84)]
    const ask = (facts: readonly KnownFact[]): unknown =>
      answerTo('when is the plumber coming?', 'I see.', facts, [], hits)
    expect(ask([])).toBe(`You told me: "${told[0]}"`)
    expect(ask(many)).toBe(`You have not told me that in so many words. What comes nearest: "${told[0]}"`)
    const known = [...many, factOf('own', 'locker code', '4071', 'My locker code is 4071.')]
    expect(answerTo('What is my locker code?', 'I see.', known)).toBe('You told me: "My locker code is 4071."')
  })

  test('what was corrected of somebody else answers nothing about the user', () => {
    const of = (id: string, value: string, holds: boolean): KnownFact => {
      const text = `My grandfather is ${value} years old.`
      return { id, subject: 'grandfather', attribute: 'age', value, text, holds }
    }
    expect(answerTo('How old am I?', 'I see.', [of('a', '59', false), of('b', '60', true)])).toBe(
      'You have not told me your age.',
    )
  })

  test('a sentence of which one fact was replaced still answers by its others', () => {
    const text = 'My daughter studies in Nanjing, her major is chemistry'
    const of = (id: string, attribute: string, value: string, holds: boolean): KnownFact => {
      return { id, subject: 'daughter', attribute, value, text, holds }
    }
    const facts = [of('a', 'studies', 'Nanjing', false), of('b', 'major', 'chemistry', true)]
    const hits = facts.map(({ id }) => hitOf(id, text))
    expect(answerTo('what is my daughter studying?', 'I see.', facts, [], hits)).toMatch(/chemistry/u)
  })

  test('a question about the world is left to the model', () => {
    expect(answerTo('Who wrote Hamlet?', 'Shakespeare.', [])).toBe(undefined)
  })

  test('a reply with the value as it was written stays; in another writing it does not', () => {
    const phone = factOf('mem_1', 'phone number', '555-0142', 'my cell is 555-0142')
    expect(answerTo('what is my phone number?', 'It is 555-0142.', [phone])).toBe('keep')
    expect(answerTo('what is my phone number?', 'It is 5550142.', [phone])).toBe('You told me: "my cell is 555-0142"')
  })
})

describe('what is quoted of a correction', () => {
  test.each([
    ["turns out it's in York, not Hull", 'York', ['Hull'], "turns out it's in York"],
    ['Weiss is on leave so it is Dr Yilmaz instead', 'Dr Yilmaz', ['Dr Weiss'], 'it is Dr Yilmaz instead'],
    ['I live in Oslo, near the harbour', 'Oslo', [], 'I live in Oslo, near the harbour'],
  ])('%s', (text, value, stale, shown) => {
    expect(withoutStale(text, value, stale)).toBe(shown)
  })
})

test('what a reply quotes by itself is read from it again', () => {
  expect(quotedBy('You told me: "my code is 12"')).toBe('my code is 12')
  expect(quotedBy('You have not told me that in so many words. What comes nearest: "he said "yes""')).toBe(
    'he said "yes"',
  )
  for (const other of ['You told me: "a" "b"', 'Your code is "12"', 'You told me that.'])
    expect(quotedBy(other)).toBe(null)
})
