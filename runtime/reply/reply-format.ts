/** What a model's replies are made of besides text, found once by its chat template and its vocabulary. */
import { granite } from './formats/granite.ts'
import { hermes } from './formats/hermes.ts'
import { lfm2 } from './formats/lfm2.ts'
import { llama3 } from './formats/llama3.ts'
import { mistral } from './formats/mistral.ts'
import { qwenXml } from './formats/qwen-xml.ts'
import { harmony, HARMONY_TOKENS, HarmonyParser } from './harmony.ts'
import { marked } from './mark.ts'
import { DelimitedParser, type CallableTools, type ReplyParser } from './parser.ts'
import type { ReasoningDelimiters, ToolFormat } from './tool-format.ts'

/** Plain data, the same on both sides of a thread. */
export interface ReplyFormat {
  /** Name of the format of calls; null: the model's template knows no tools. */
  readonly tools: string | null
  /** What begins and ends reasoning; null: the model does not reason, or has channels for it. */
  readonly reasoning: ReasoningDelimiters | null
  /** Tokens with a meaning in a reply, and their ids. */
  readonly tokens: readonly { readonly text: string; readonly id: number }[]
  /** Variables that the template looks at, of those that clients set by other fields. */
  readonly switches: readonly string[]
  /** Fields of an assistant's message in which the template reads reasoning; empty: within the content, if at all. */
  readonly reasoningFields: readonly string[]
}

/** The format of a model without tools and reasoning. */
export const PLAIN_FORMAT: ReplyFormat = { tools: null, reasoning: null, tokens: [], switches: [], reasoningFields: [] }

/** The first that matches is taken. */
const TOOL_FORMATS: readonly ToolFormat[] = [harmony, qwenXml, lfm2, mistral, granite, hermes, llama3]
const REASONING: readonly ReasoningDelimiters[] = [
  { open: '<think>', close: '</think>' },
  { open: '[THINK]', close: '[/THINK]' },
]
const SWITCHES = ['enable_thinking', 'thinking', 'preserve_thinking', 'reasoning_effort']
const REASONING_FIELDS = ['reasoning_content', 'reasoning', 'thinking']

/** `template` is null if there is none; `idOf` gives the ids of added tokens. */
export function findReplyFormat(template: string | null, idOf: (token: string) => number | undefined): ReplyFormat {
  if (template === null) return PLAIN_FORMAT
  const has = (token: string): boolean => idOf(token) !== undefined
  const format = /\btools\b/.test(template) ? TOOL_FORMATS.find((one) => one.matches(template, has)) : undefined
  const channels = harmony.matches(template, has)
  const reasoning = REASONING.find(({ open, close }) => template.includes(close) || (has(open) && has(close)))
  const delimiters = channels
    ? HARMONY_TOKENS
    : [...(reasoning ? [reasoning.open, reasoning.close] : []), ...(format ? delimitersOf(format) : [])]
  const tokens = delimiters.flatMap((text) => {
    const id = idOf(text)
    return id === undefined ? [] : [{ text, id }]
  })
  const mentioned = (name: string): boolean =>
    new RegExp(`\\b(?:if|elif|and|or|not) ${name}\\b|\\b${name} (?:is|==|\\|)`).test(template)
  const fields = REASONING_FIELDS.filter((name) =>
    new RegExp(`\\.${name}\\b|\\[['"]${name}['"]\\]|['"]${name}['"] in`).test(template),
  )
  return {
    tools: channels ? harmony.name : (format?.name ?? null),
    reasoning: channels ? null : (reasoning ?? null),
    tokens,
    switches: SWITCHES.filter(mentioned),
    reasoningFields: fields,
  }
}

/** The format of calls of that name. */
export function toolFormatOf({ tools }: ReplyFormat): ToolFormat | null {
  return TOOL_FORMATS.find(({ name }) => name === tools) ?? null
}

/** Whether a reply has to be parsed, and has its tokens marked. */
export function isStructured(format: ReplyFormat, callable: boolean): boolean {
  return format.reasoning !== null || format.tools === harmony.name || (callable && format.tools !== null)
}

/** The tokens that are marked in a reply. */
export function markedTokens(format: ReplyFormat, callable: boolean): ReplyFormat['tokens'] {
  if (callable || format.tools === harmony.name) return format.tokens
  const { reasoning } = format
  return reasoning ? format.tokens.filter(({ text }) => text === reasoning.open || text === reasoning.close) : []
}

/** A parser of replies; `tools` is null where none may be called. */
export function createReplyParser(format: ReplyFormat, tools: CallableTools | null, inReasoning: boolean): ReplyParser {
  if (format.tools === harmony.name) return new HarmonyParser(tools)
  return new DelimitedParser({
    tokens: new Set(format.tokens.map(({ text }) => text)),
    reasoning: format.reasoning,
    format: tools ? toolFormatOf(format) : null,
    tools: tools ?? { schemaOf: () => undefined, problemOf: () => null },
    inReasoning,
  })
}

/** What a reply has to begin with to call a function, with its tokens marked. */
export function openingOf(format: ReplyFormat, name: string | null): string {
  const opening = toolFormatOf(format)?.opening(name)
  if (!opening) return ''
  const known = format.tokens.map(({ text }) => text)
  const mark = (text: string): string => (known.includes(text) ? marked(text) : text)
  const text =
    format.tools === harmony.name
      ? opening.text.replaceAll(/<\|(?:constrain|message)\|>/g, (token) => mark(token))
      : opening.text
  return mark(opening.delimiter) + text
}

function delimitersOf({ open, close, inner }: ToolFormat): string[] {
  return [...open, ...close, ...inner]
}

/** What ends reasoning before a reply, its token marked. */
export function endOfReasoning({ reasoning, tokens }: ReplyFormat): string {
  if (!reasoning) return ''
  const known = tokens.some(({ text }) => text === reasoning.close)
  return `\n${known ? marked(reasoning.close) : reasoning.close}\n\n`
}

/** Tokens at the end of a prompt in which its beginning of reasoning is looked for. */
const TAIL = 16

/** Whether the last of reasoning's delimiters at the end of a prompt is the one that begins it. */
export function endsInReasoning(
  { reasoning, tokens }: ReplyFormat,
  ids: readonly number[],
  decode: (ids: readonly number[]) => string,
): boolean {
  if (!reasoning) return false
  const tail = ids.slice(-TAIL)
  const idOf = (delimiter: string): number | undefined => tokens.find(({ text }) => text === delimiter)?.id
  const open = idOf(reasoning.open)
  if (open === undefined) return decode(tail).trimEnd().endsWith(reasoning.open)
  const last = tail.findLast((id) => id === open || id === idOf(reasoning.close))
  return last === open
}

/** How many of a reply's tokens are reasoning, by its delimiters; where these are no tokens, none are counted. */
export function countReasoning(format: ReplyFormat, ids: readonly number[], inReasoning: boolean): number {
  if (format.tools === harmony.name) return countAnalysis(format, ids)
  const { reasoning, tokens } = format
  const [open, close] = [reasoning?.open, reasoning?.close].map((text) => tokens.find((one) => one.text === text)?.id)
  if (open === undefined || close === undefined) return 0
  let inside = inReasoning
  let count = 0
  for (const id of ids) {
    if (id === open) inside = true
    else if (id === close) inside = false
    else if (inside) count++
  }
  return count
}

// A message to the reader or to a function comes last; all messages before it, the analysis, are reasoning.
function countAnalysis({ tokens }: ReplyFormat, ids: readonly number[]): number {
  const idOf = (text: string): number | undefined => tokens.find((one) => one.text === text)?.id
  const [message, end] = [idOf('<|message|>'), idOf('<|end|>')]
  const last = ids.lastIndexOf(message ?? -1)
  let inside = false
  let count = 0
  for (const id of ids.slice(0, Math.max(0, last))) {
    if (id === message) inside = true
    else if (id === end) inside = false
    else if (inside) count++
  }
  return count
}
