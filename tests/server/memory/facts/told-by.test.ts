import { describe, expect, test } from 'vitest'
import type { Fact } from '../../../../server/memory/facts/fact.ts'
import { latest } from '../../../../server/memory/facts/supersede.ts'
import { toldBy } from '../../../../server/memory/facts/told-by.ts'

const said = (facts: readonly Fact[]) => facts.map((f) => `${f.kind} ${f.subject}: ${f.attribute} = ${f.value}`)

/** What holds after messages of one conversation. */
function holding(...messages: string[]): string[] {
  const known: Fact[] = []
  for (const message of messages) known.push(...toldBy(message, known).facts)
  return latest(known).map((f) => `${f.subject}: ${f.attribute} = ${f.value}`)
}

describe('facts are taken from plain words', () => {
  const cases: readonly (readonly [string, readonly string[]])[] = [
    ['btw im allergic to peanuts', ['told user: allergy = peanuts']],
    ['im dave, i work nights', ['told user: name = dave']],
    ['im knackered, long day', []],
    ['hi! im tamsin', ['told user: name = tamsin']],
    ['hi! im tired', []],
    ['im hangry', []],
    ['I just moved to Ghent for a new job at a bike shop', ['told user: home = Ghent']],
    ['I live in Leeds with my wife', ['told user: home = Leeds']],
    ['I live in a flat with a garden', ['told user: home = flat with a garden']],
    ['My car is a green Skoda, plate KR 4482 T', ['told user: car plate = KR 4482 T', 'told user: car = green Skoda']],
    ['My flight is LH 1234, seat 14C', ['told user: flight seat = 14C', 'told user: flight = LH 1234']],
    ["can you forget my landlord's number please", ['withdrawn landlord: phone number = ']],
    ['could you please delete my wifi password?', ['withdrawn user: wifi password = ']],
    ['I am halal now.', ['told user: diet = halal']],
    ['I have been kosher for years.', ['told user: diet = kosher']],
    ['My sister went keto', ['told sister: diet = keto']],
    ['We are vegetarian these days', ['told user: diet = vegetarian']],
    ["I'm divorced now", ['told user: relationship status = divorced']],
    ['I have been a nurse for 3 years', ['told user: job = nurse']],
    ['I was engaged for two years', []],
    ['I was a teacher for ten years', []],
    ['I worked for two years as a cook', []],
    ['My dad was a plumber.', []],
    ["I'm Anna and I live in Kraków", ['told user: name = Anna', 'told user: home = Kraków']],
    ['the wifi password at the cabin is h4rbour!', ['told user: cabin wifi password = h4rbour!']],
    ['we named the puppy Biscuit', ['told puppy: name = Biscuit']],
    ['you can reach me at a.b+c@x.org', ['told user: email = a.b+c@x.org']],
    ['moved to Lisbon last month', ['told user: home = Lisbon']],
    ["my favourite colour's teal", ['told user: favorite color = teal']],
    ['My name is 田中さくら', ['told user: name = 田中さくら']],
    ['my phone number is +48 601 555 019', ['told user: phone number = +48 601 555 019']],
    ['my brother lives in Reykjavík', ['told brother: home = Reykjavík']],
    ['please remember that the code for the bike shed is 19B7', ['told user: bike shed code = 19B7']],
    ["It is June 21, my father's birthday.", ['told father: birthday = June 21']],
    ['When it comes to my age, it is 34.', ['told user: age = 34']],
    ['PN6656, that is my locker code', ['told user: locker code = PN6656']],
    ['my brother is 41 years old :)', ['told brother: age = 41']],
    ['I have fox as my team mascot, in case you need it.', ['told user: team mascot = fox']],
    [
      'my sister Joanna turns 30 on May 3rd',
      ['told sister: name = Joanna', 'told sister joanna: age = 30', 'told sister joanna: birthday = May 3rd'],
    ],
  ]
  for (const [message, expected] of cases) {
    test(`"${message}" tells ${expected.join(', ')}`, () => {
      expect(said(toldBy(message).facts)).toEqual(expected)
    })
  }

  test('the ways to name one attribute give one topic', () => {
    const topics = [
      "my dog's name is Rex",
      'the name of my dog is Rex',
      'my dog is called Rex',
      'my dogs name is Rex',
    ].map((message) => said(toldBy(message).facts))
    expect(topics[1]).toEqual(topics[0])
    expect(topics[2]).toEqual(topics[0])
    expect(topics[0]).toEqual(['told dog: name = Rex'])
  })
})

test('who settled on something lives nowhere by it', () => {
  expect(toldBy('We settled on Circe in the end.').facts).toEqual([])
  expect(toldBy('I settled in Bern').facts).toMatchObject([{ attribute: 'home', value: 'Bern' }])
})

describe('nothing is taken from what the user does not state', () => {
  const cases = [
    'what is my name?',
    'The other guest said their course code is VD-97.',
    "In the film, the hero's course code is DD558.",
    'write me a poem about my dog Rex',
    'if my name were Bob, what would my initials be?',
    'He said "I live in Paris" and left.',
    'Summarise this: "I am Captain Ahab. My ship is the Pequod."',
    '> my password is hunter2\nis this a meme?',
    'Can you fix this?\n```\n// my name is Alice\n```',
    "I'm so tired today lol",
    'thanks, I love it!',
    'suppose my salary is 4000 euros',
    '',
  ]
  for (const message of cases) {
    test(`${JSON.stringify(message)} tells nothing`, () => {
      expect(said(toldBy(message).facts)).toEqual([])
    })
  }

  test.each(['forget everything about me', 'please delete all I told you', 'erase my data'])(
    'an order to forget is no statement: %s',
    (message) => expect(toldBy(message).statements).toEqual([]),
  )

  test.each([
    'my day was awful',
    'So tired I could fall asleep on the bus',
    'goodnight, off to bed',
    'Many thanks indeed, that was most kind.',
    'sorry for the late reply',
    "it's bucketing down outside",
    'i cant even rn',
    'please to make that shorter',
    'make up a limerick about a goose',
    'name of our hamster',
  ])('nothing is kept of the moment, of requests and of what is asked for by its name: %s', (text) => {
    expect(toldBy(text)).toEqual({ facts: [], statements: [] })
  })

  test.each([
    'I feel sick whenever I eat shrimp',
    'I get awful headaches since the accident',
    'off to bed at 21:30 again because of the early shift',
    'my back is killing me since I moved to Leeds',
    'Four hives.',
    'Had my appendix out in 2016',
    'I finally joined the choir at St Oswin, as an alto would you believe',
  ])('but what lasts is, in the same words: %s', (text) => {
    const { facts, statements } = toldBy(text)
    expect(facts.length + statements.length).toBeGreaterThan(0)
  })

  test('a statement that no rule reads is kept as it is, a question and small talk are not', () => {
    const told = toldBy('Yesterday the two of us walked along the river. Was it nice? Haha ok.')
    expect(told.facts).toEqual([])
    expect(told.statements.map((s) => s.text)).toEqual(['Yesterday the two of us walked along the river.'])
  })
})

describe('a correction takes the place of what was told', () => {
  test('the old value is named', () => {
    expect(holding('my locker code is 4071', "actually it's 4072, not 4071")).toEqual(['user: locker code = 4072'])
  })
  test('without a topic it takes the one told last with a value of the same shape', () => {
    expect(holding('my locker code is 4071', 'my name is Jon', 'no wait, I meant 4072')).toEqual([
      'user: name = Jon',
      'user: locker code = 4072',
    ])
  })
  test('without anything to correct a bare value tells nothing', () => {
    expect(toldBy("no, it's 4072").facts).toEqual([])
  })
  test('a new number takes the place of the old one', () => {
    expect(holding('my number is 555 0134', 'my new number is 555 0199')).toEqual(['user: phone number = 555 0199'])
  })
  test('a move leaves one home', () => {
    expect(holding('I live in Turin', "I no longer live in Turin, I'm in Bari now")).toEqual(['user: home = Bari'])
  })
  test('of several values only the corrected one goes', () => {
    expect(holding("I'm allergic to peanuts and latex", "I'm not allergic to peanuts, it's cashews")).toEqual([
      'user: allergy = latex',
      'user: allergy = cashews',
    ])
  })
})

describe('a withdrawal leaves nothing of its topic and all of the rest', () => {
  test('what is to be forgotten is gone', () => {
    expect(holding('my locker code is 4071', "my name's Jo", 'forget my locker code')).toEqual(['user: name = Jo'])
  })
  test('a dog that is gone takes its name with it', () => {
    expect(holding('my dog is called Rex', "I don't have a dog any more")).toEqual([])
  })
  test('one of several likes goes, the others stay', () => {
    expect(holding('I like olives', 'I like jazz', "I don't like olives anymore")).toEqual(['user: likes = jazz'])
  })
})
