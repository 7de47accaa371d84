/** Tools as requests give them, in the two shapes that OpenAI's APIs have. */
import { z } from 'zod'
import type { Json, Tool } from '../../runtime/text.ts'
import { done, fail, needed, strict } from './field.ts'
import { searchOptions } from './vector-stores-schema.ts'

/** Functions of one request at most, and the length of a name. */
const MAX_TOOLS = 512
const MAX_NAME = 128

const json = z.unknown().transform((value) => value as Json)
const name = z
  .string()
  .max(MAX_NAME)
  .regex(/^[A-Za-z_][\w.-]*$/, 'expected a name of letters, digits, _, - and .')
const parameters = z.record(z.string(), json).nullish()

const definition = { name, description: z.string().nullish(), parameters, strict: z.boolean().nullish() }

/** Only functions: other tools are run by OpenAI's own servers. */
const functionType = z.unknown().refine((type) => type === 'function', {
  message: 'tools of this type are not supported here; functions are, and in responses file_search',
  params: { code: 'unsupported_parameter' },
})

const chatTool = z
  .looseObject({ type: functionType, function: z.looseObject(definition) })
  .transform(({ function: { name: called, description, parameters: schema } }) => toTool(called, description, schema))
const responseTool = z
  .looseObject({ type: functionType, ...definition })
  .transform(({ name: called, description, parameters: schema }) => toTool(called, description, schema))

/** Vector stores that one search looks into. */
const MAX_STORES = 8

export const fileSearchFields = {
  type: needed(z.literal('file_search'), '`file_search`.'),
  vector_store_ids: needed(z.array(z.string().min(1).max(128)).min(1).max(MAX_STORES), `1 to ${MAX_STORES} of them.`),
  ...searchOptions,
}
const fileSearchTool = strict(fileSearchFields)

/** A search in vector stores, which the server makes before the reply. */
export type FileSearchTool = z.output<typeof fileSearchTool>

/** Chosen by its type, so that an error is about the kind of tool that was meant. */
const anyTool = z
  .unknown()
  .transform((value, context): Tool | FileSearchTool => {
    const isSearch = (value as { type?: unknown } | null)?.type === 'file_search'
    const result = (isSearch ? fileSearchTool : responseTool).safeParse(value)
    if (result.success) return result.data
    return fail(context, { ...(result.error.issues[0] as z.core.$ZodIssue), input: value } as z.core.$ZodRawIssue)
  })
  .meta({ type: 'object' })

function toTool(
  called: string,
  description: string | null | undefined,
  schema: Record<string, Json> | null | undefined,
): Tool {
  return {
    type: 'function',
    function: { name: called, ...(description != null && { description }), ...(schema && { parameters: schema }) },
  }
}

const tools = <S extends z.ZodType<Tool | FileSearchTool>>(tool: S) =>
  z
    .array(tool)
    .max(MAX_TOOLS)
    .refine((all) => hasNamesOnce(functionsIn(all)), 'two functions have one name')
    .refine((all) => all.length - functionsIn(all).length <= 1, 'expected file_search at most once')

function hasNamesOnce(functions: readonly Tool[]): boolean {
  return new Set(functions.map((one) => one.function.name)).size === functions.length
}

/** The functions among tools. */
export function functionsIn(all: readonly (Tool | FileSearchTool)[]): Tool[] {
  return all.filter((one) => one.type === 'function')
}

/** The search in files among them. */
export function fileSearchIn(all: readonly (Tool | FileSearchTool)[]): FileSearchTool | null {
  return all.find((one) => one.type === 'file_search') ?? null
}

const modes = z.enum(['none', 'auto', 'required'])
const chatChoice = z.union([
  modes,
  z
    .looseObject({ type: functionType, function: z.looseObject({ name }) })
    .transform((choice) => ({ name: choice.function.name })),
])
const responseChoice = z.union([
  modes,
  z.looseObject({ type: z.literal('file_search') }).transform(() => 'file_search' as const),
  z.looseObject({ type: functionType, name }).transform((choice) => ({ name: choice.name })),
])

/** `auto`, `none`, `required`, a search in files, or a function that has to be called. */
export type ToolChoice = z.output<typeof responseChoice>

const TOOLS =
  'Functions; tools of other types are refused. Refused, too, where the chat template of the model knows no tools. ' +
  '`strict`: arguments are checked against their schema in any case.'
const CHOICE =
  '`auto`, `none` (the model is told of no tool), `required`, or a function: the reply then begins with a call. A list ' +
  'of allowed tools is refused.'
const PARALLEL = 'false: the reply ends with its first call.'

const shared = { parallel_tool_calls: done(z.boolean(), PARALLEL) }

export const chatTools = {
  tools: done(tools(chatTool), TOOLS),
  tool_choice: done(chatChoice, CHOICE),
  ...shared,
}

export const responseTools = {
  tools: done(tools(anyTool), `${TOOLS} \`file_search\` searches vector stores before the reply; see below.`),
  tool_choice: done(
    responseChoice,
    `${CHOICE} \`{"type": "file_search"}\`: as \`auto\`. A search is made in any case but \`none\`.`,
  ),
  ...shared,
}
