import { isJsonObject, parseJsonCalls } from '../json-call.ts'
import type { ToolFormat } from '../tool-format.ts'

/** Mistral: `[TOOL_CALLS] [{"name": "f", "arguments": {...}}]`, and newer ones `[TOOL_CALLS]f[ARGS]{...}` for each call. */
export const mistral: ToolFormat = {
  name: 'mistral',
  matches: (template) => template.includes('[TOOL_CALLS]'),
  open: ['[TOOL_CALLS]'],
  close: [],
  bare: false,
  inner: ['[ARGS]', '[CALL_ID]'],
  parse(body) {
    const [head = '', ...rest] = body.split('[ARGS]')
    if (rest.length === 0) return parseJsonCalls(body)
    const name = (head.split('[CALL_ID]')[0] as string).trim()
    const text = rest.join('[ARGS]').trim()
    return name !== '' && isJsonObject(text) ? [{ name, arguments: text }] : undefined
  },
  opening: (name) => ({
    delimiter: '[TOOL_CALLS]',
    text: name === null ? ' [{"name": "' : ` [{"name": ${JSON.stringify(name)}, "arguments": `,
  }),
}
