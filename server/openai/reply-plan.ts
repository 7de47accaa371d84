/** What a request's tools and options of reasoning mean for a model: its prompt, its tokens, and how to read the reply. */
import {
  markedTokens,
  isStructured,
  openingOf,
  toolFormatOf,
  type ReplyFormat,
} from '../../runtime/reply/reply-format.ts'
import type { Json, Tool } from '../../runtime/text.ts'
import type { ChatPrompt, ReplyMarks } from '../engine/messages.ts'
import { infoOf, type ServedModel } from '../served-model.ts'
import { ApiError } from './errors.ts'
import type { ToolChoice } from './tools-schema.ts'

/** The fields of both APIs. */
export interface PlannedRequest {
  readonly tools?: readonly Tool[] | null | undefined
  readonly tool_choice?: ToolChoice | null | undefined
  readonly parallel_tool_calls?: boolean | null | undefined
  readonly reasoning?: ReasoningOptions | null | undefined
  readonly reasoning_effort?: string | null | undefined
  readonly include_reasoning?: boolean | null | undefined
  readonly thinking?: boolean | { readonly type: string } | null | undefined
  readonly enable_thinking?: boolean | null | undefined
  readonly chat_template_kwargs?: Readonly<Record<string, Json>> | null | undefined
}

interface ReasoningOptions {
  readonly effort?: string | null | undefined
  readonly enabled?: boolean | null | undefined
  readonly exclude?: boolean | null | undefined
}

export interface ReplyPlan {
  readonly format: ReplyFormat
  /** Functions that may be called; null if none may. */
  readonly tools: readonly Tool[] | null
  /** The reply has to call this function, or any. */
  readonly forced: { readonly name: string | null } | null
  readonly parallel: boolean
  readonly showReasoning: boolean
  /** What the reply begins with, its tokens marked; it is part of the prompt. */
  readonly opening: string
  /** The reply has to be taken apart. */
  readonly structured: boolean
  readonly prompt: Pick<ChatPrompt, 'tools' | 'variables' | 'opening'>
  readonly marks: { readonly marks?: ReplyMarks }
}

/** Throws ApiError for what the model's format cannot do. */
export function planReply(request: PlannedRequest, model: ServedModel): ReplyPlan {
  const { format } = infoOf(model)
  const tools = callableTools(request, format, model)
  const { tool_choice: choice } = request
  const forced = typeof choice === 'object' && choice ? choice : choice === 'required' ? { name: null } : null
  if (forced) requireTool(forced.name, tools, format)
  const parallel = request.parallel_tool_calls !== false
  const opening = forced ? openingOf(format, forced.name) : ''
  const variables = variablesOf(request, format)
  const structured = isStructured(format, tools !== null)
  return {
    format,
    tools,
    forced,
    parallel,
    showReasoning: request.include_reasoning !== false && request.reasoning?.exclude !== true,
    opening,
    structured,
    prompt: {
      ...(tools && { tools }),
      ...(Object.keys(variables).length > 0 && { variables }),
      ...(opening !== '' && { opening }),
    },
    marks: structured
      ? { marks: { tokens: markedTokens(format, tools !== null), last: lastTokens(format, parallel) } }
      : {},
  }
}

function callableTools(request: PlannedRequest, format: ReplyFormat, model: ServedModel): readonly Tool[] | null {
  const { tools, tool_choice: choice } = request
  if (!tools || tools.length === 0 || choice === 'none') return null
  if (format.tools !== null) return tools
  const message = `'tools': the chat template of ${model.name} knows no tools; give [], or tool_choice "none".`
  throw new ApiError(400, 'unsupported_parameter', message, { param: 'tools' })
}

function requireTool(name: string | null, tools: readonly Tool[] | null, format: ReplyFormat): void {
  if (tools && (name === null || tools.some((tool) => tool.function.name === name))) return
  const message =
    tools && name !== null
      ? `'tool_choice': there is no function '${name}' among the tools.`
      : "'tool_choice': a call is asked for, and there are no tools."
  const code = format.tools === null ? 'unsupported_parameter' : 'invalid_value'
  throw new ApiError(400, code, message, { param: 'tool_choice' })
}

/** Where one call is asked for the reply ends with it; a message to a function always hands over to the function. */
function lastTokens(format: ReplyFormat, parallel: boolean): number[] {
  if (parallel && format.tools !== 'harmony') return []
  const close = toolFormatOf(format)?.close ?? []
  return format.tokens.filter(({ text }) => close.includes(text)).map(({ id }) => id)
}

/** The template's variables: those that the request gives, and what its options of reasoning mean. */
function variablesOf(request: PlannedRequest, { switches }: ReplyFormat): Record<string, Json> {
  const { reasoning, thinking, chat_template_kwargs: given } = request
  const effort = request.reasoning_effort ?? reasoning?.effort
  const asked =
    request.enable_thinking ?? reasoning?.enabled ?? (typeof thinking === 'object' ? typeOf(thinking) : thinking)
  const on = asked ?? (effort == null ? null : effort !== 'none' && effort !== 'minimal')
  const variables: Record<string, Json> = {}
  for (const name of ['enable_thinking', 'thinking']) {
    if (on !== null && switches.includes(name)) variables[name] = on
  }
  if (effort != null && switches.includes('reasoning_effort')) variables['reasoning_effort'] = levelOf(effort)
  return { ...variables, ...given }
}

function typeOf(thinking: { readonly type: string } | null): boolean | null {
  if (thinking === null || thinking.type === 'auto' || thinking.type === 'adaptive') return null
  return thinking.type === 'enabled'
}

/** The levels that templates know. */
function levelOf(effort: string): string {
  if (effort === 'none' || effort === 'minimal') return 'low'
  return effort === 'xhigh' || effort === 'max' ? 'high' : effort
}
