import { parseJsonCalls } from '../json-call.ts'
import type { ToolFormat } from '../tool-format.ts'

/** Hermes, Qwen 2.5 and 3, Granite 4, SmolLM3: `<tool_call>{"name": "f", "arguments": {...}}</tool_call>`. */
export const hermes: ToolFormat = {
  name: 'hermes',
  matches: (template) => template.includes('<tool_call>'),
  open: ['<tool_call>'],
  close: ['</tool_call>'],
  bare: false,
  inner: [],
  parse: (body) => parseJsonCalls(body),
  opening: (name) => ({
    delimiter: '<tool_call>',
    text: name === null ? '\n{"name": "' : `\n{"name": ${JSON.stringify(name)}, "arguments": `,
  }),
}
