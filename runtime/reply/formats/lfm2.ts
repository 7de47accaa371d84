import { parseJsonCalls } from '../json-call.ts'
import { parsePythonCalls } from '../python-call.ts'
import type { ToolFormat } from '../tool-format.ts'

/** LFM2: `<|tool_call_start|>[f(a=1, b="x")]<|tool_call_end|>`, or JSON between the same tokens. */
export const lfm2: ToolFormat = {
  name: 'lfm2',
  matches: (template, has) => template.includes('<|tool_call_start|>') || has('<|tool_call_start|>'),
  open: ['<|tool_call_start|>'],
  close: ['<|tool_call_end|>'],
  bare: false,
  inner: [],
  parse: (body) => parsePythonCalls(body) ?? parseJsonCalls(body),
  opening: (name) => ({ delimiter: '<|tool_call_start|>', text: name === null ? '[' : `[${name}(` }),
}
