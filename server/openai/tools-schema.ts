/** Tools as requests give them, in the two shapes that OpenAI's APIs have. */
import { z } from 'zod'
import type { Json, Tool } from '../../runtime/text.ts'
import { done } from './field.ts'

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
  message: 'tools of this type are not supported here; functions are',
  params: { code: 'unsupported_parameter' },
})

const chatTool = z
  .looseObject({ type: functionType, function: z.looseObject(definition) })
  .transform(({ function: { name: called, description, parameters: schema } }) => toTool(called, description, schema))
const responseTool = z
  .looseObject({ type: functionType, ...definition })
  .transform(({ name: called, description, parameters: schema }) => toTool(called, description, schema))

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

const tools = <S extends z.ZodType<Tool>>(tool: S) =>
  z
    .array(tool)
    .max(MAX_TOOLS)
    .refine((all) => new Set(all.map((one) => one.function.name)).size === all.length, 'two functions have one name')

const modes = z.enum(['none', 'auto', 'required'])
const chatChoice = z.union([
  modes,
  z
    .looseObject({ type: functionType, function: z.looseObject({ name }) })
    .transform((choice) => ({ name: choice.function.name })),
])
const responseChoice = z.union([
  modes,
  z.looseObject({ type: functionType, name }).transform((choice) => ({ name: choice.name })),
])

/** `auto`, `none`, `required`, or a function that has to be called. */
export type ToolChoice = z.output<typeof chatChoice>

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
  tools: done(tools(responseTool), TOOLS),
  tool_choice: done(responseChoice, CHOICE),
  ...shared,
}
