import { parseJsonCalls } from '../json-call.ts'
import type { ToolFormat } from '../tool-format.ts'

/** Llama 3: a reply that is `{"name": "f", "parameters": {...}}`, with or without `<|python_tag|>` before it. */
export const llama3: ToolFormat = {
  name: 'llama3',
  matches: (template) => /<\|python_tag\|>|Environment: ipython/.test(template),
  open: ['<|python_tag|>'],
  close: [],
  bare: true,
  inner: [],
  parse: (body) => parseJsonCalls(body),
  opening: (name) => ({
    delimiter: '',
    text: name === null ? '{"name": "' : `{"name": ${JSON.stringify(name)}, "parameters": `,
  }),
}
