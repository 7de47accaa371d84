/** What is told right after a sentence, and whether it takes its place as the answer to a question. */
import { expect, test } from 'vitest'
import { takesItsPlace } from '../../../../server/memory/recall/follows.ts'
import { heldPart } from '../../../../server/memory/recall/held-part.ts'
import { readQuestion } from '../../../../server/memory/recall/question.ts'

const takes = (question: string, said: string, next: string): boolean =>
  takesItsPlace(readQuestion(question, true)!, said, next)

test.each([
  ['how many people is the table for?', 'Table for four at Chez Louise', 'make that seven, the in-laws are joining'],
  ["where's handover?", 'Handover is in the blue room', "it's the family room tonight, blue one's got a leak"],
  ['where is my bestie going to uni', 'my bestie is going to uni in leeds', 'she switched its glasgow now'],
  ["who's got my Dune?", 'Bex has my copy of Dune', 'Bex passed it to Aoife'],
  ['what helmet size does Juno need?', "Juno's helmet is 52 cm round", 'The 55 cm one fits Juno.'],
  ['what upsets my stomach?', 'Gluten is what sets off my stomach', "dietician reckons it's onions, not gluten"],
  ['when is the plumber coming?', 'the plumber comes thursday at 8', 'no wait, friday, he called'],
])('%s %j, then %j: the later one', (question, said, next) => {
  expect(takes(question, said, next)).toBe(true)
})

test.each([
  ['where does my sister live?', 'My sister lives in Leeds', 'She works at Aldi'],
  ["what's the puppy called?", 'We named the puppy Biscuit', 'she is a beagle and loves carrots'],
  ['what do I drive?', 'I drive a green Škoda', "it's getting old"],
  ['where are my keys?', 'the keys are under the blue pot', 'the kitchen is green'],
  ['when is the plumber coming?', 'the plumber comes thursday at 8', 'he wants cash'],
  [
    "what is my sister's favourite food?",
    "My sister's favourite food is eggs",
    "My sister's hobby changed from hiking to running",
  ],
  ['what is my favourite drink?', 'my favourite drink is mate', 'Actually, my favourite singer is Nina Simone'],
  ["what is my mother's job?", 'My mother works as a barista', 'keep that in mind'],
  ['how old is my son?', 'my son is 7', 'he goes to Hillside primary'],
])('%s %j, then %j: the first one', (question, said, next) => {
  expect(takes(question, said, next)).toBe(false)
})

test.each([
  [
    'what upsets my stomach?',
    'Gluten sets it off',
    "dietician reckons it's onions, not gluten",
    "dietician reckons it's onions",
  ],
  [
    'where are we meeting?',
    "we're meeting at the Red Lion",
    'Red Lion is full, so the Anchor instead',
    'the Anchor instead',
  ],
  ['how much rent do I pay?', 'Rent is 780', 'Rent went from 780 to 820 in May', 'Rent went to 820 in May'],
  ['when is my birthday?', 'my birthday is May 3', "that's wrong, it's May 13", "that's wrong, it's May 13"],
  ['which level do I park on?', 'I park on level 3', "level 3 is closed, I'm on 5", "I'm on 5"],
  ['when does it open?', 'the gate code is 1', 'it opens at six, not before', 'it opens at six, not before'],
])('%s %j, then %j: what holds is said', (question, said, next, shown) => {
  expect(heldPart(readQuestion(question, true)!, [said], next)).toBe(shown)
})
