/**
 * A chat template whose own special tokens are sealed: written as private-use characters, one for each token. In what
 * it renders, a sealed token is the template's, and a special token that is spelled out was written by somebody else.
 */
import { Template } from '@huggingface/jinja'
import { TextError } from './errors.ts'
import { pythonRepr } from './python-text.ts'

/** Private-use characters are taken in blocks: one character for each sealed token, and a guard. */
const FIRST_BLOCK = 0xe000
const LAST_BLOCK = 0xf880
const BLOCK = 128
/** A block's last character is a guard: put into a user's text it keeps it from being a token. */
const GUARD = BLOCK - 1

export interface SealedTemplate {
  /** Renders with sealed tokens. */
  readonly render: (variables: object) => string
  /** The token that a sealed character stands for; undefined for other characters. */
  readonly tokenOf: (character: string) => string | undefined
  /** Seals a whole token, if it is one of the template's; returns other text as it is. */
  readonly seal: (text: string) => string
  /** Spells sealed tokens out. */
  readonly unseal: (text: string) => string
  readonly guard: string
}

/** Returns the first block of private-use characters that `text` has none of. Throws TextError if all are taken. */
export function freeBlock(text: string): number {
  for (let block = FIRST_BLOCK; block <= LAST_BLOCK; block += BLOCK) {
    const [first, last] = [block, block + BLOCK - 1].map((code) => String.fromCharCode(code))
    if (!new RegExp(`[${first}-${last}]`).test(text)) return block
  }
  throw new TextError('messages: expected at most some private-use characters, got some from every block of them')
}

/** Parses a template. Throws TextError. */
export function parseTemplate(source: string): Template {
  try {
    const template = new Template(source)
    adapt(template.parsed)
    return template
  } catch (error) {
    throw new TextError(`chat_template: expected a Jinja template, got ${String(error)}`, { cause: error })
  }
}

/** Renders a template. Throws TextError with what the template raised. */
export function renderTemplate(template: Template, variables: object): string {
  try {
    return template.render({ ...variables, [SELECT]: selectFilter, [TEXT]: textFilter })
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new TextError(`chat_template: refused these messages: ${reason}`, { cause: error })
  }
}

/**
 * Returns the template with the special tokens among its literals sealed by the characters of `block`. `special`
 * splits a text so that every second piece is a special token. `inVariables`: also literals that are put into
 * variables, which the template may compare with contents.
 */
export function sealTemplate(
  source: string,
  block: number,
  special: (text: string) => string[],
  extra: readonly string[],
  inVariables: boolean,
): SealedTemplate {
  const tokens: string[] = []
  const seal = (token: string): string => {
    const known = tokens.indexOf(token)
    const at = known >= 0 ? known : tokens.push(token) - 1
    // What does not fit into a block stays text; no published template writes so many special tokens.
    return at < GUARD ? String.fromCharCode(block + at) : token
  }
  const sealAll = (text: string): string =>
    special(text)
      .map((piece, at) => (at % 2 === 1 ? seal(piece) : piece))
      .join('')
  for (const token of extra) sealAll(token)
  const template = parseTemplate(source)
  sealNode(template.parsed, true, { sealAll, inVariables })
  const tokenOf = (character: string): string | undefined => tokens[character.charCodeAt(0) - block]
  const sealed = new RegExp(`[${String.fromCharCode(block)}-${String.fromCharCode(block + GUARD - 1)}]`, 'g')
  return {
    render: (variables) => renderTemplate(template, variables),
    tokenOf,
    seal: (text) => (tokens.includes(text) ? seal(text) : text),
    unseal: (text) => text.replaceAll(sealed, (character) => tokenOf(character) ?? character),
    guard: String.fromCharCode(block + GUARD),
  }
}

/** A node of the parsed template: its type, and children in fields, lists and maps. */
interface Node {
  type: string
  [field: string]: unknown
}

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && typeof (value as Node).type === 'string'
}

interface Sealing {
  readonly sealAll: (text: string) => string
  readonly inVariables: boolean
}

/** Filters whose arguments may be printed; those of others select or compare. */
const PRINTING_FILTERS = new Set(['default', 'join'])
const COMPARISONS = new Set(['==', '!=', '<', '>', '<=', '>=', 'in', 'not in'])

/** Seals the literals under `value` that may be printed. Those that contents are compared with or split at stay. */
function sealNode(value: unknown, printed: boolean, sealing: Sealing): void {
  const visit = (child: unknown, still = printed): void => sealNode(child, still, sealing)
  if (Array.isArray(value)) return value.forEach((child) => visit(child))
  if (value instanceof Map) {
    for (const child of value.values()) visit(child)
    return
  }
  if (!isNode(value)) return
  if (value.type === 'StringLiteral') {
    if (printed) value['value'] = sealing.sealAll(value['value'] as string)
    return
  }
  for (const [field, child] of Object.entries(value)) {
    if (field !== 'type') visit(child, printed && mayBePrinted(value, field, sealing))
  }
}

function mayBePrinted(node: Node, field: string, { inVariables }: Sealing): boolean {
  switch (node.type) {
    case 'BinaryExpression':
      return !COMPARISONS.has((node['operator'] as { value: string }).value)
    case 'TestExpression':
      return false
    case 'If':
    case 'SelectExpression':
      return field !== 'test'
    case 'Ternary':
      return field !== 'condition'
    case 'MemberExpression':
      return field === 'object'
    case 'Set':
      return field !== 'value' || inVariables
    case 'CallExpression': {
      const callee = node['callee'] as Node
      if (field !== 'args') return true
      return callee.type !== 'MemberExpression' && callee['value'] !== 'raise_exception' && callee['value'] !== SELECT
    }
    case 'FilterExpression': {
      if (field !== 'filter') return true
      const filter = node['filter'] as Node
      return filter.type === 'CallExpression' && PRINTING_FILTERS.has((filter['callee'] as Node)['value'] as string)
    }
    default:
      return true
  }
}

// Two filters of Jinja that the library lacks are called as functions: `select` and `reject` with a test of equality,
// and `trim` of what is not text, which Python turns into text first.
const SELECT = '__select'
const TEXT = '__text'

function adapt(value: unknown): void {
  if (Array.isArray(value)) return value.forEach(adapt)
  if (value instanceof Map) {
    for (const [key, child] of value) adapt([key, child])
    return
  }
  if (!isNode(value)) return
  for (const child of Object.values(value)) adapt(child)
  if (value.type !== 'FilterExpression') return
  const filter = value['filter'] as Node
  if (filter.type === 'Identifier' && filter['value'] === 'trim') value['operand'] = call(TEXT, [value['operand']])
  const name = filter.type === 'CallExpression' ? (filter['callee'] as Node)['value'] : undefined
  if (name !== 'select' && name !== 'reject') return
  const kept = { type: 'StringLiteral', value: name }
  const selected = call(SELECT, [kept, value['operand'], ...(filter['args'] as unknown[])])
  Object.assign(value, { operand: selected, filter: { type: 'Identifier', value: 'list' } })
}

function call(name: string, args: unknown[]): Node {
  return { type: 'CallExpression', callee: { type: 'Identifier', value: name }, args }
}

function selectFilter(kept: string, items: readonly { value: unknown }[], test: string, other: unknown): unknown[] {
  if (test !== 'equalto' && test !== 'eq')
    throw new Error(`the filter ${kept} knows the tests equalto and eq, not ${test}`)
  return items.map(({ value }) => value).filter((value) => (value === other) === (kept === 'select'))
}

function textFilter(value: unknown): string {
  return typeof value === 'string' ? value : pythonRepr(value)
}
