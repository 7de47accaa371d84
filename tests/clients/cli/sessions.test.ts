import { expect, test } from 'vitest'
import { createClient } from '../../../clients/typescript/index.ts'
import { startGreedyServer } from '../greedy-server.ts'
import { runMneme } from './mneme-process.ts'

test('conversations are listed, read and deleted in the terminal', async () => {
  const url = await startGreedyServer()
  const client = createClient({ url })
  const create = async (input: string, previous?: string) =>
    client.responses.create({
      input,
      max_output_tokens: 4,
      ...(previous === undefined ? {} : { previous_response_id: previous }),
    })
  const first = await create('Good morning')
  const other = await create('Something else')
  const second = await create('And then?', first.id)
  const branch = await create('Or rather?', first.id)
  const mneme = async (...args: string[]): Promise<string> => {
    const { code, stdout, stderr } = await runMneme(['sessions', ...args, '--url', url])
    expect([args, code, stderr]).toEqual([args, 0, ''])
    return stdout
  }
  expect(await mneme('list')).toMatch(
    new RegExp(`^${first.id}  \\S+  3 turns  \\d+ tokens  fake\n${other.id}  \\S+  1 turn  \\d+ tokens  fake\n$`),
  )
  const shown = await mneme('show', first.id)
  expect(shown).toContain(`${first.id}  `)
  expect(shown).toContain(`user: Good morning\nassistant: `)
  expect(shown).toContain(`${branch.id}  `)
  expect(shown).not.toContain('And then?')
  expect(await mneme('show', second.id, '--turns', '1')).toMatch(
    new RegExp(`^${second.id} .*\nuser: And then\\?\nassistant: .*\n$`),
  )
  expect(JSON.parse(await mneme('list', '--json'))).toMatchObject([{ id: first.id }, { id: other.id }])
  const made = await client.conversations.create({ topic: 'tea' })
  expect(await mneme('show', made.id)).toBe('')
  const say = async (input: string) => client.responses.create({ input, conversation: made.id, max_output_tokens: 4 })
  const [{ id: one }, { id: two, conversation }] = [await say('One'), await say('Two')]
  expect(conversation).toEqual({ id: made.id })
  expect(await mneme('show', made.id)).toMatch(
    new RegExp(`^${one} .*\nuser: One\nassistant: .*\n\n${two} .*\nuser: Two\n`),
  )
  expect(await mneme('list')).toMatch(new RegExp(`^${made.id}  \\S+  2 turns  `))
  await client.conversations.delete(made.id)
  expect(await mneme('delete', first.id)).toBe(`deleted: ${first.id}\n`)
  expect(await mneme('list')).toMatch(new RegExp(`^${other.id} .*\n$`))
  const { code, stderr } = await runMneme(['sessions', 'show', first.id, '--url', url])
  expect([code, stderr]).toEqual([1, `mneme sessions: Response with id '${first.id}' not found.\n`])
})
