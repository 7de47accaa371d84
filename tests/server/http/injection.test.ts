/** What was remembered stays data, whatever it says: 100 memories that would like to be instructions, template tokens or tool calls. */
import { existsSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { notesText } from '../../../runtime/notes.ts'
import { openText } from '../../../runtime/text.ts'
import { startTestServer } from '../../support/test-server.ts'

const lines = readFileSync(new URL('../../fixtures/injections.jsonl', import.meta.url), 'utf8')
  .trimEnd()
  .split('\n')
const injections = lines.map((line) => JSON.parse(line) as string)

/** Letters as they are, special tokens in brackets that no text can have. */
const shown = (ids: readonly number[]): string => ids.map((id) => (id < 256 ? 'x' : `⟦${id}⟧`)).join('')

test('there are 100 of them, all different', () => expect(new Set(injections).size).toBe(100))

test('a turn that reads one is a turn that reads any other note: one line, with the same special tokens', async () => {
  const prompts: number[][] = []
  const next = (history: readonly number[]): number => {
    if (history.at(-1) === 258) prompts.push([...history])
    return 256
  }
  const server = await startTestServer({ append: true, next, memories: 'on' })
  const question = 'What of the zebra?'
  for (const [at, text] of ['A plain note.', ...injections].entries()) {
    const place = { user_id: `user-${at}` }
    expect((await server.post('/v1/memories', { text: `${text} zebra`, ...place })).status).toBe(200)
    prompts.length = 0
    const mneme = { memory: { mode: 'read', ...place }, gates: { semantic: true } }
    const { status, json } = await server.post('/v1/responses', { model: 'fake', input: question, store: false, mneme })
    expect([text, status, json.usage?.mneme.memory.entries.length]).toEqual([text, 200, 1])
    const [ids] = prompts as [number[]]
    expect(shown(ids).replaceAll(/x+/g, '')).toBe('⟦259⟧⟦256⟧⟦257⟧⟦256⟧⟦258⟧')
    const note = Buffer.from(ids.slice(1, ids.indexOf(256))).toString('utf8')
    expect(note.split(/[\n\r\u0085\u2028\u2029]/u)).toHaveLength(2)
    expect(note).toMatch(/^Notes about the user from earlier conversations:\n- /)
    // The reply is the model's: nothing was called, nothing else was answered.
    expect(json.output.map(({ type }: { type: string }) => type)).toEqual(['message'])
  }
})

const bundles = ['models/pretrained/keeper', '.cache/models/smol-bundle'].filter((folder) =>
  existsSync(`${folder}/tokenizer.json`),
)

test.each(bundles)('in the prompt of %s they make no special token', (folder) => {
  const codec = openText(folder)
  const special = (text: string): number[] => {
    const messages = [
      { role: 'system' as const, content: notesText([{ text }]) },
      { role: 'user' as const, content: 'What was it?' },
    ]
    const plain = new Set(codec.encode(text))
    return codec.chat(messages, { continued: false, generate: true }).filter((id) => isSpecial(id) && !plain.has(id))
  }
  const { added_tokens: added } = JSON.parse(readFileSync(`${folder}/tokenizer.json`, 'utf8')) as {
    added_tokens: readonly { id: number; special: boolean }[]
  }
  const ids = new Set(added.filter((token) => token.special).map(({ id }) => id))
  const isSpecial = (id: number): boolean => ids.has(id)
  const wanted = special('A plain note.')
  expect(wanted.length).toBeGreaterThan(0)
  for (const text of injections) expect([text, special(text)]).toEqual([text, wanted])
})
