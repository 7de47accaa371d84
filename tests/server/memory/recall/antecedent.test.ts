/** Whom a question means by "he" and "she". */
import { expect, test } from 'vitest'
import { asksOfSomebody, withAntecedent } from '../../../../server/memory/recall/antecedent.ts'

test.each([
  ['where does he live?', ['how much does my brother owe me?'], 'where does my brother live?'],
  ['what room is she in?', ["when's my mother's birthday?"], 'what room is my mother in?'],
  ["what's her number", ['My boss is Linda, she came from the transit authority'], "what's my boss's number"],
  ['how old is he?', ['we have an old dog called Duke', 'what is our dog called?'], 'how old is our dog?'],
  ["when's his birthday", ['what does Kyle do', 'thanks'], "when's Kyle's birthday"],
  ['where did I meet her?', ['my husband likes golf', 'what does my sister do?'], 'where did I meet my sister?'],
])('%s, after %j', (question, before, expected) => expect(withAntecedent(question, before)).toBe(expected))

test.each([
  ['what does she do?', ['my brother sells boats']],
  ['where does he live?', ['the train leaves at nine']],
  ['where does he live?', []],
  ['does my sister like her job?', ['my aunt is a vet']],
  ['she lives in Leeds', ['where does my sister live?']],
  ['where is it?', ['my sister has a boat']],
])('nobody knows, or it says so itself: %s, after %j', (question, before) =>
  expect(withAntecedent(question, before)).toBe(question),
)

test('only a question that names nobody asks of somebody', () => {
  expect(['how old is she?', 'how old is my sister, is she 30?', 'she is 30'].map(asksOfSomebody)).toEqual([
    true,
    false,
    false,
  ])
})
