/** What is told and asked in one conversation, with the bundled embedder and reader. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { bundledMemory } from '../../support/bundled-memory.ts'
import { MemoryHistory } from '../../support/memory-history.ts'

let memory: Awaited<ReturnType<typeof bundledMemory>>
beforeAll(async () => {
  memory = await bundledMemory()
})
afterAll(() => memory.close())

async function answer(told: readonly string[], question: string, isSame: boolean): Promise<string> {
  const history = new MemoryHistory(memory)
  try {
    for (const message of told) await history.say(message, 'ann', 'c')
    return (await history.ask(question, true, 'ann', isSame ? told : [])).text
  } finally {
    await history.close()
  }
}

test.each([true, false])('a correction holds in its own conversation as in others (same: %s)', async (isSame) => {
  const text = await answer(['The joiner comes Thursday at 8', 'no wait, Friday'], 'when does the joiner come?', isSame)
  expect(text).toContain('Friday')
  expect(text).not.toContain('Thursday')
})

test('what a conversation says itself is read as what others said', async () => {
  const told = ['My sister Ana breaks out in hives from walnuts', 'we have a spaniel', 'the boiler is from 1998']
  const question = 'which nut can my sister not have?'
  expect(await answer(told, question, true)).toBe(await answer(told, question, false))
})
