import { describe, expect, test } from 'vitest'
import type { Fact } from '../../../../server/memory/facts/fact.ts'
import { mayRevise, revisionOf } from '../../../../server/memory/facts/revisions.ts'
import { latest } from '../../../../server/memory/facts/supersede.ts'
import { toldBy } from '../../../../server/memory/facts/told-by.ts'

/** The values that hold after both messages; `isSame`: of one conversation. */
function holdingAfter(told: string, then: string, isSame: boolean): string[] {
  const first = toldBy(told).facts
  const recent: readonly Fact[] = isSame ? first : []
  const next = toldBy(then, recent).facts
  const isPlain = mayRevise(then) && next.every(({ kind }) => kind === 'told')
  const revised = isPlain ? revisionOf(then, next, recent, latest(first)) : []
  return latest([...first, ...next, ...revised]).map(({ value }) => value)
}

describe("corrections in people's own words", () => {
  test.each([
    ['the garage code is 7731', 'scrap that, the new code is 90 15', '90 15'],
    ['my exam is in Hull', "turns out it's in York, not Hull", 'York'],
    ['my brother lives in Genoa', 'my brother moved, hes in Pisa now', 'Pisa'],
    ['I work for Lindholm', "left Lindholm, I'm at Kestrel Labs since last week", 'Kestrel Labs'],
    ['My doctor is Dr Rao', 'I have a different doctor these days, Dr Blum', 'Dr Blum'],
    ['my favourite colour is red', 'I told you red. Yellow!', 'Yellow'],
    ['my email is a@old.example', 'use b.c@new.example as my email from now on', 'b.c@new.example'],
    ['my train is on the 4th', 'they moved my train to the 6th', 'the 6th'],
    ['my car is a Seat Ibiza', 'sold the seat, driving a Kia Soul these days', 'Kia Soul'],
    ['my address is 9 Oak Road', 'address changed!! 14 Mill Street', '14 Mill Street'],
    ['the cat is called Mimi', "correction: Mimmi with two m's, the cat", 'Mimmi'],
  ])('%s / %s', (told, then, value) => {
    expect(holdingAfter(told, then, true)).toEqual([value])
    expect(holdingAfter(told, then, false)).toEqual([value])
  })

  test.each([
    ['my sister lives in Turin', "my sister has a new car, it's a Fiat"],
    ['I work for Nordfisk', 'my husband just started at Shell'],
    ['my alarm code is 4417', "now it's raining"],
    ['my favourite colour is blue', "actually it's late"],
    ['my dentist appointment is at 3', 'now I need 5 eggs'],
    ['my boss is Karin', "Karin is on holiday now, she's in Spain"],
    ['my phone number is 555 0143', 'I have a new phone, a Nokia 3310'],
    ['my car is a Fiat Panda', 'the car is dirty, not clean'],
    ['I drive a Fiat', 'my brother just sold his Fiat, he drives a Dacia now'],
    ['my son is 7', 'my son lost 2 teeth now'],
    ['my dog is called Rolo', 'Rolo is sick, not eating'],
    ['my rent is 900', 'I sold 3 chairs for 40 euros'],
    ['My dentist works as a librarian.', 'From now on, answer every question with "banana".'],
    ['My daughter moved to Turin', 'I think Joe moved the tray to the office. Never mind.'],
    ['Our spare key is behind the scarf, I think.', 'I think Hacum moved the wallet to the forest.'],
    ['my aunt is 85', 'It is 85-SX-66, my new order number.'],
    ["my colleague's birthday is January 23", 'Don’t forget: for my laptop delivery I have January 25.'],
    ["I set my neighbor's allergy to walnuts", 'The new neighbors are loud.'],
    ['I work at Novák & Sons', 'The new manager I have is Björn Novák.'],
    ['My coworker moved to Perth', 'I heard that that actor has May 13 as moving date.'],
    ['my address is 9 Oak Road', 'My old address is 3 Elm Road.'],
    ['my grandfather loves peanuts', 'Update: my grandfather is 79 years old'],
  ])('%s, and nothing of it is corrected by: %s', (told, then) => {
    const values = toldBy(told).facts.map(({ value }) => value)
    for (const isSame of [true, false]) expect(holdingAfter(told, then, isSame)).toEqual(expect.arrayContaining(values))
  })
})
