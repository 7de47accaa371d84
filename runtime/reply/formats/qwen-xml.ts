import type { Json } from '../../chat-message.ts'
import type { ToolFormat } from '../tool-format.ts'

const FUNCTION = /^\s*<function=([^>\n]+)>\s*([\s\S]*?)\s*(?:<\/function>)?\s*$/
const PARAMETER = /^\s*<parameter=([^>\n]+)>\n?([\s\S]*?)\n?<\/parameter>/

/** Qwen3-Coder, Qwen3.5: `<tool_call><function=f><parameter=k>\nvalue\n</parameter></function></tool_call>`. */
export const qwenXml: ToolFormat = {
  name: 'qwen-xml',
  matches: (template) =>
    template.includes('<function=') && template.includes('<parameter=') && template.includes('<tool_call>'),
  open: ['<tool_call>'],
  close: ['</tool_call>'],
  bare: false,
  inner: [],
  parse(body, schemaOf) {
    const [, name = '', content = ''] = FUNCTION.exec(body) ?? []
    if (name === '') return undefined
    const schema = schemaOf(name)
    const members: string[] = []
    let rest = content
    for (let found = PARAMETER.exec(rest); found; found = PARAMETER.exec(rest)) {
      const [whole, key = '', value = ''] = found
      members.push(`${JSON.stringify(key)}: ${toJson(value, propertyOf(schema, key))}`)
      rest = rest.slice(whole.length)
    }
    return rest.trim() === '' ? [{ name, arguments: `{${members.join(', ')}}` }] : undefined
  },
  opening: (name) => ({ delimiter: '<tool_call>', text: `\n<function=${name === null ? '' : `${name}>\n`}` }),
}

function propertyOf(schema: Json | undefined, key: string): Json | undefined {
  const properties = memberOf(schema, 'properties')
  return memberOf(properties, key)
}

function memberOf(value: Json | undefined, key: string): Json | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
  return Object.hasOwn(value, key) ? (value as { readonly [key: string]: Json })[key] : undefined
}

/** A value has no quotes: it is text where the schema says so, and otherwise JSON if it can be. */
function toJson(value: string, schema: Json | undefined): string {
  const type = memberOf(schema, 'type')
  const types = Array.isArray(type) ? (type as readonly Json[]) : [type]
  if (types.length === 1 && types[0] === 'string') return JSON.stringify(value)
  const text = value.trim()
  // What the template writes of Python's own values.
  const python = { True: 'true', False: 'false', None: 'null' }[text]
  if (python !== undefined && !types.includes('string')) return python
  try {
    const parsed = JSON.parse(text) as Json
    if (types.includes('string') && !types.includes(typeOf(parsed))) return JSON.stringify(value)
    return text
  } catch {
    return JSON.stringify(value)
  }
}

function typeOf(value: Json): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'array'
  return Number.isInteger(value) ? 'integer' : typeof value
}
