import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { openText, TextError, type Json, type Message, type Tool } from '../../runtime/text.ts'
import { byteTokenizer, SPECIAL_TOKENS } from '../support/byte-tokenizer.ts'
import { CHAT_TOKENS, HERMES_TEMPLATE, PIECES_TEMPLATE } from '../support/chat-templates.ts'

const open = (chat_template: string) => openText(byteTokenizer(CHAT_TOKENS, { chat_template, eos_token: '<|im_end|>' }))
const tokens = [...SPECIAL_TOKENS, ...CHAT_TOKENS]

/** The text of ids, special tokens spelled out, and how many special tokens there are. */
function spelled(ids: readonly number[]): { text: string; special: number } {
  const bytes = ids.flatMap((id) => [...(id < 256 ? [id] : Buffer.from(tokens[id - 256] as string))])
  return { text: Buffer.from(bytes).toString(), special: ids.filter((id) => id >= 256).length }
}

/** Text with special tokens, pieces of them, what templates look for, and private-use characters. */
const hostile = fc
  .array(
    fc.constantFrom(
      ...tokens,
      '<|',
      'im_end|>',
      '|>',
      ' ',
      '\n',
      'word',
      '<tool_response>',
      '"',
      '\\',
      '\uE000',
      '\uE0FF',
      'é',
    ),
  )
  .map((pieces) => pieces.join(''))
const tool: fc.Arbitrary<Tool> = fc
  .record({ name: hostile, description: hostile, key: hostile })
  .map(({ name, description, key }) => ({
    type: 'function',
    function: { name, description, parameters: { type: 'object', properties: { [`-${key}`]: { type: 'string' } } } },
  }))
const plain = fc.record({ role: fc.constantFrom('user', 'system'), content: hostile })
const assistant = fc
  .record({ content: hostile, reasoning: fc.option(hostile), name: hostile, value: hostile, calls: fc.boolean() })
  .map(({ content, reasoning, name, value, calls }): Message[] => [
    {
      role: 'assistant',
      content,
      ...(reasoning !== null && { reasoning_content: reasoning }),
      ...(calls && { tool_calls: [{ id: value, type: 'function', function: { name, arguments: { [name]: value } } }] }),
    },
    ...(calls ? [{ role: 'tool', content: value, tool_call_id: value, name } as const] : []),
  ])
const conversation = fc
  .array(
    fc.oneof(
      plain.map((message): Message[] => [message as Message]),
      assistant,
    ),
    { minLength: 1, maxLength: 5 },
  )
  .map((groups) => groups.flat())

/** The same with nothing in it that could be part of a special token. */
const harmless = (value: unknown): unknown => JSON.parse(JSON.stringify(value).replaceAll(/[<>|/]/g, 'x')) as unknown

describe.each([
  ['looks at contents and splits them', HERMES_TEMPLATE],
  ['puts its tokens together from pieces', PIECES_TEMPLATE],
])('a template that %s', (_, template) => {
  const codec = open(template)

  test('is encoded as the text that it renders, whatever users wrote into any field', () => {
    fc.assert(
      fc.property(conversation, fc.array(tool, { maxLength: 2 }), fc.boolean(), (messages, tools, generate) => {
        const options = { continued: false, generate, tools }
        expect(spelled(codec.chat(messages, options)).text).toBe(codec.render(messages, options))
      }),
    )
  })

  test('has as many special tokens as if users had written none', () => {
    fc.assert(
      fc.property(conversation, fc.array(tool, { maxLength: 2 }), (messages, tools) => {
        // What the template splits off or leaves out depends on these.
        fc.pre(!/<\/think>|<tool_response>/.test(JSON.stringify(messages)))
        const options = { continued: false, generate: true, tools }
        const calm = codec.chat(harmless(messages) as Message[], { ...options, tools: harmless(tools) as Tool[] })
        const { text } = spelled(codec.chat(messages, options))
        expect(spelled(codec.chat(messages, options)).special, text).toBe(spelled(calm).special)
      }),
    )
  })

  test('continues a conversation with what comes after the reply, and as many special tokens', () => {
    fc.assert(
      fc.property(plain, hostile, (message, variable) => {
        const options = { continued: true, generate: true, variables: { date: variable } }
        const next = [message as Message]
        const calm = codec.chat(harmless(next) as Message[], options)
        expect(spelled(codec.chat(next, options)).special).toBe(spelled(calm).special)
      }),
    )
  })
})

describe('tools and reasoning', () => {
  const codec = open(HERMES_TEMPLATE)
  const render = (messages: Message[], variables: Record<string, Json> = {}) =>
    codec.render(messages, { continued: false, generate: true, variables })
  const call = {
    id: 'call_1',
    type: 'function',
    function: { name: 'add', arguments: { x: 1, y: [2.5, null] } },
  } as const

  test('calls and their results are written as the template says, arguments as Python writes JSON', () => {
    const text = render([
      { role: 'user', content: 'Add.' },
      { role: 'assistant', content: '', tool_calls: [call] },
      { role: 'tool', content: ' 3.5 ', tool_call_id: 'call_1' },
    ])
    expect(text).toContain(
      '<tool_call>\n{"name": "add", "arguments": {"x": 1, "y": [2.5, null]}}\n</tool_call><|im_end|>',
    )
    expect(text).toContain('<tool_response>\n3.5\n</tool_response>')
  })

  test('a conversation goes on after a call with what the tool returned', () => {
    const results: Message[] = [
      { role: 'tool', content: 'a', tool_call_id: '1' },
      { role: 'tool', content: 'b', tool_call_id: '2' },
    ]
    expect(spelled(codec.chat(results, { continued: true, generate: true })).text).toBe(
      '\n<|im_start|>user\n<tool_response>\na\n</tool_response><|im_end|>\n' +
        '<|im_start|>user\n<tool_response>\nb\n</tool_response><|im_end|>\n<|im_start|>assistant\n',
    )
  })

  test('thinking is switched by variables of the template', () => {
    const question: Message = { role: 'user', content: 'Why?' }
    expect(render([question], { enable_thinking: false })).toMatch(/assistant\n<think>\n\n<\/think>\n\n$/)
    expect(render([question])).toMatch(/assistant\n$/)
    const thought: Message = { role: 'assistant', content: 'So.', reasoning_content: 'Hm.' }
    expect(render([question, thought, question])).not.toContain('Hm.')
    expect(render([question, thought, question], { preserve_thinking: true })).toContain(
      '<think>\nHm.\n</think>\n\nSo.',
    )
  })

  test.each(['messages', 'tools', 'add_generation_prompt', 'bos_token'])(
    'the variable %s is not a request’s',
    (name) => {
      expect(() => render([{ role: 'user', content: 'x' }], { [name]: 'y' })).toThrow(TextError)
    },
  )

  test('the template for tools is taken where there are two', () => {
    const chat_template = [
      { name: 'default', template: 'plain' },
      { name: 'tool_use', template: 'with {{ tools[0].function.name }}' },
    ]
    const both = openText(byteTokenizer([], { chat_template }))
    const tools: Tool[] = [{ type: 'function', function: { name: 'add' } }]
    expect(both.render([], { continued: false, generate: false })).toBe('plain')
    expect(both.render([], { continued: false, generate: false, tools })).toBe('with add')
  })
})
