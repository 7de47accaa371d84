import { parseJsonCalls } from '../json-call.ts'
import type { ToolFormat } from '../tool-format.ts'

/** Granite 3: `<|tool_call|>[{"name": "f", "arguments": {...}}]`, to the end of the reply. */
export const granite: ToolFormat = {
  name: 'granite',
  matches: (template, has) =>
    template.includes('<|tool_call|>') || (has('<|tool_call|>') && template.includes('tools')),
  open: ['<|tool_call|>'],
  close: [],
  bare: false,
  inner: [],
  parse: (body) => parseJsonCalls(body),
  opening: (name) => ({
    delimiter: '<|tool_call|>',
    text: name === null ? '[{"name": "' : `[{"name": ${JSON.stringify(name)}, "arguments": `,
  }),
}
