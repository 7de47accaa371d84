/** What a question finds and reads of what its user told, took back and deleted. */
import { expect, onTestFinished, test } from 'vitest'
import { triesOfDeleted } from '../../support/deleted-answers.ts'
import { MemoryHistory } from '../../support/memory-history.ts'

async function after(...messages: string[]): Promise<MemoryHistory> {
  const history = new MemoryHistory(null)
  onTestFinished(() => history.close())
  for (const message of messages) await history.say(message)
  return history
}

test('what a later sentence denies is not read beside it', async () => {
  const history = await after('I go to Elm Park, haha.', 'my school is no longer Elm Park, it is Mill Lane')
  const { read } = await history.ask('Which school do I go to?')
  expect(read.join(' ')).toContain('Mill Lane')
  expect(read.join(' ')).not.toContain('I go to Elm Park')
})

test('what was told of somebody else answers only what is asked about them', async () => {
  const history = await after('The studio said their wedding day is July 20.', 'I like tea.')
  expect((await history.ask('When is my wedding day?')).text).not.toContain('July 20')
  expect((await history.ask("What is the studio's wedding day?")).read.join(' ')).toContain('July 20')
})

test('a deleted fact is neither answered nor found, at once and after other turns', async () => {
  expect(await triesOfDeleted(24, 1, null)).toMatchObject({ tries: 24, answered: 0, read: 0 })
})
