import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { marked } from '../../../runtime/reply/mark.ts'
import type { CallableTools, ReplyEvent } from '../../../runtime/reply/parser.ts'
import { createReplyParser, findReplyFormat, type ReplyFormat } from '../../../runtime/reply/reply-format.ts'

/** Templates of which only what tells the format counts, and the tokens of their vocabularies. */
const families: Record<string, { template: string; tokens: string[] }> = {
  hermes: { template: 'tools <tool_call> </think>', tokens: ['<tool_call>', '</tool_call>', '<think>', '</think>'] },
  'qwen-xml': {
    template: 'tools <tool_call><function=<parameter= </think>',
    tokens: ['<tool_call>', '</tool_call>', '<think>', '</think>'],
  },
  lfm2: { template: 'tools', tokens: ['<|tool_call_start|>', '<|tool_call_end|>'] },
  llama3: { template: 'tools <|python_tag|>', tokens: ['<|python_tag|>'] },
  mistral: { template: 'tools [TOOL_CALLS]', tokens: ['[TOOL_CALLS]', '[ARGS]'] },
  granite: { template: 'tools <|tool_call|>', tokens: ['<|tool_call|>'] },
  harmony: {
    template: 'tools <|channel|>',
    tokens: ['<|start|>', '<|channel|>', '<|constrain|>', '<|message|>', '<|end|>', '<|call|>', '<|return|>'],
  },
}
const formatOf = (name: string): ReplyFormat => {
  const { template, tokens } = families[name] as (typeof families)[string]
  return findReplyFormat(template, (token) => (tokens.includes(token) ? 300 + tokens.indexOf(token) : undefined))
}

const schema = { type: 'object', properties: { a: { type: 'string' }, n: { type: 'integer' }, xs: { type: 'array' } } }
const tools: CallableTools = {
  schemaOf: (name) => (name === 'f' || name === 'g' ? schema : undefined),
  problemOf: ({ name }) => (name === 'f' || name === 'g' ? null : `there is no function '${name}'`),
}

/** The events of a reply in pieces; texts in a row are one, and a call's arguments a value. */
function parse(name: string, pieces: readonly string[], inReasoning = false): object[] {
  const parser = createReplyParser(formatOf(name), tools, inReasoning)
  const events = [...pieces.flatMap((piece) => parser.push(piece)), ...parser.end()]
  const joined: ReplyEvent[] = []
  for (const event of events) {
    const last = joined.at(-1)
    if ((event.kind === 'text' || event.kind === 'reasoning') && last?.kind === event.kind)
      joined[joined.length - 1] = { kind: event.kind, text: last.text + event.text }
    else joined.push(event)
  }
  return joined.map((event) =>
    event.kind === 'call' ? { call: event.name, ...(JSON.parse(event.arguments) as object) } : event,
  )
}

const m = marked
const [call, end, think, thought] = ['<tool_call>', '</tool_call>', '<think>', '</think>'].map(marked) as [
  string,
  string,
  string,
  string,
]
const text = (value: string) => ({ kind: 'text', text: value })
const reasoning = (value: string) => ({ kind: 'reasoning', text: value })

/** What models of each family write, and what it means. */
const replies: [family: string, title: string, reply: string, events: object[]][] = [
  ['hermes', 'text', 'Hello <tool_call> world.\n', [text('Hello <tool_call> world.\n')]],
  ['hermes', 'a call', `${call}\n{"name": "f", "arguments": {"a": "x"}}\n${end}`, [{ call: 'f', a: 'x' }]],
  [
    'hermes',
    'reasoning, text and two calls',
    `${think}\nHm. {"x"}\n${thought}\n\nBoth:\n${call}\n{"name": "f", "arguments": {}}\n${end}\n${call}\n{"name": "g", "arguments": {"n": 2}}\n${end}`,
    [reasoning('Hm. {"x"}'), text('Both:'), { call: 'f' }, { call: 'g', n: 2 }],
  ],
  [
    'hermes',
    'a call that its end has cut',
    `${call}{"name": "f", "arguments": {"a"`,
    [
      { kind: 'rejected', name: null, reason: 'it is no call in the format hermes' },
      text('<tool_call>{"name": "f", "arguments": {"a"'),
    ],
  ],
  [
    'hermes',
    'an unknown function',
    `So ${call}{"name": "h", "arguments": {}}${end} then`,
    [
      text('So'),
      { kind: 'rejected', name: 'h', reason: "there is no function 'h'" },
      text(' <tool_call>{"name": "h", "arguments": {}}</tool_call> then'),
    ],
  ],
  [
    'qwen-xml',
    'typed parameters',
    `${call}\n<function=f>\n<parameter=a>\n12\n</parameter>\n<parameter=n>\n12\n</parameter>\n<parameter=xs>\n["<b>", 1]\n</parameter>\n</function>\n${end}`,
    [{ call: 'f', a: '12', n: 12, xs: ['<b>', 1] }],
  ],
  [
    'qwen-xml',
    'a text of lines',
    `${call}<function=f><parameter=a>\none\n\n two\n</parameter></function>${end}`,
    [{ call: 'f', a: 'one\n\n two' }],
  ],
  [
    'lfm2',
    'Python',
    `${m('<|tool_call_start|>')}[f(a="it's", n=-3), g(xs=[1.5, True, None, {'k': 'v'}])]${m('<|tool_call_end|>')}Done.`,
    [{ call: 'f', a: "it's", n: -3 }, { call: 'g', xs: [1.5, true, null, { k: 'v' }] }, text('Done.')],
  ],
  [
    'lfm2',
    'JSON',
    `${m('<|tool_call_start|>')}[{"name": "f", "arguments": {"n": 1}}]${m('<|tool_call_end|>')}`,
    [{ call: 'f', n: 1 }],
  ],
  ['llama3', 'a bare call', ' {"name": "f", "parameters": {"a": "}"}}', [{ call: 'f', a: '}' }]],
  [
    'llama3',
    'calls after its token',
    `${m('<|python_tag|>')}{"name": "f", "parameters": {}}; {"name": "g", "parameters": {"n": 1}}`,
    [{ call: 'f' }, { call: 'g', n: 1 }],
  ],
  [
    'llama3',
    'JSON that is no call',
    '{"a": 1}',
    [{ kind: 'rejected', name: null, reason: 'it is no call in the format llama3' }, text('{"a": 1}')],
  ],
  ['llama3', 'text with a brace', 'Use {"name": "f"}.', [text('Use {"name": "f"}.')]],
  [
    'mistral',
    'a list',
    `${m('[TOOL_CALLS]')} [{"name": "f", "arguments": {"n": 1}}, {"name": "g", "arguments": {}}]`,
    [{ call: 'f', n: 1 }, { call: 'g' }],
  ],
  [
    'mistral',
    'calls one by one',
    `Now${m('[TOOL_CALLS]')}f${m('[ARGS]')}{"n": 1}${m('[TOOL_CALLS]')}g${m('[ARGS]')}{}`,
    [text('Now'), { call: 'f', n: 1 }, { call: 'g' }],
  ],
  ['granite', 'a list', `${m('<|tool_call|>')}[{"name": "f", "arguments": {"n": 1}}]`, [{ call: 'f', n: 1 }]],
  [
    'harmony',
    'analysis, commentary and a call',
    `${m('<|channel|>')}analysis${m('<|message|>')}Hm.${m('<|end|>')}${m('<|start|>')}assistant${m('<|channel|>')}commentary${m('<|message|>')}I look. ${m('<|end|>')}${m('<|start|>')}assistant${m('<|channel|>')}commentary to=functions.f ${m('<|constrain|>')}json${m('<|message|>')}{"n": 1}`,
    [reasoning('Hm.'), text('I look. '), { call: 'f', n: 1 }],
  ],
  ['harmony', 'a final text', `${m('<|channel|>')}final${m('<|message|>')}It is 4.`, [text('It is 4.')]],
]

describe('a reply', () => {
  test.each(replies)('of %s: %s', (family, _, reply, events) => {
    expect(parse(family, [reply])).toEqual(events)
  })

  test('means the same in whatever pieces it comes', () => {
    fc.assert(
      fc.property(fc.constantFrom(...replies), fc.array(fc.nat(200)), ([family, , reply, events], cuts) => {
        const places = [0, ...cuts.map((cut) => cut % (reply.length + 1)).toSorted((a, b) => a - b), reply.length]
        const pieces = places.slice(1).map((to, at) => reply.slice(places[at], to))
        expect(parse(family, pieces)).toEqual(events)
      }),
      { numRuns: 500 },
    )
  })

  test('of any text and tokens has the same events in whatever pieces it comes, and never fails', () => {
    const delimiters = [...new Set(Object.values(families).flatMap(({ tokens }) => tokens))]
    const pieces = fc.array(
      fc.constantFrom(
        ...delimiters,
        ...delimiters.map(marked),
        '{"name": "f", "arguments": {}}',
        '[f()]',
        'a ',
        '\n',
        '{',
        'to=functions.f',
        '<function=f>',
      ),
    )
    fc.assert(
      fc.property(
        fc.constantFrom(...Object.keys(families)),
        pieces,
        fc.boolean(),
        fc.array(fc.nat(400)),
        (family, parts, inside, cuts) => {
          const reply = parts.join('')
          const places = [0, ...cuts.map((cut) => cut % (reply.length + 1)).toSorted((a, b) => a - b), reply.length]
          const split = places.slice(1).map((to, at) => reply.slice(places[at], to))
          const begun = inside && formatOf(family).reasoning !== null
          expect(parse(family, split, begun)).toEqual(parse(family, [reply], begun))
        },
      ),
      { numRuns: 1000 },
    )
  })

  test('without tokens is the same text, however much it looks like calls', () => {
    const pieces = fc.array(
      fc.constantFrom(
        '<tool_call>',
        '</tool_call>',
        '{"name": "f", "arguments": {}}',
        '<think>',
        '</think>',
        ' ',
        'a',
        '\n',
      ),
    )
    fc.assert(
      fc.property(fc.constantFrom('hermes', 'qwen-xml', 'granite', 'lfm2'), pieces, (family, parts) => {
        const reply = parts.join('')
        expect(parse(family, [reply])).toEqual(reply === '' ? [] : [text(reply)])
      }),
    )
  })

  test('begins in the reasoning that the prompt has begun', () => {
    expect(parse('hermes', [`Hm.\n${thought}\n\nYes.`], true)).toEqual([reasoning('Hm.'), text('Yes.')])
    expect(parse('hermes', ['Hm'], true)).toEqual([reasoning('Hm')])
  })

  test('of a vocabulary without such tokens is read by its text', () => {
    const format = findReplyFormat('tools <tool_call> </think>', () => undefined)
    const parser = createReplyParser(format, tools, false)
    const events = [...parser.push('<think>Hm</think> Yes <tool_call>{"name": "f"}</tool_call>'), ...parser.end()]
    expect(events).toEqual([reasoning('Hm'), text('Yes'), { kind: 'call', name: 'f', arguments: '{}' }])
  })

  test('keeps all digits of numbers in arguments', () => {
    const parser = createReplyParser(formatOf('hermes'), tools, false)
    const body = '{"name": "f", "arguments": {"id": 12345678901234567890, "x": 1.0}}'
    expect(parser.push(call + body + end)).toEqual([
      { kind: 'call', name: 'f', arguments: '{"id": 12345678901234567890, "x": 1.0}' },
    ])
  })
})
