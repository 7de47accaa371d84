import { describe, expect, test } from 'vitest'
import { findReplyFormat } from '../../../runtime/reply/reply-format.ts'
import { planReply, type PlannedRequest } from '../../../server/openai/reply-plan.ts'
import type { ServedModel } from '../../../server/served-model.ts'

const tools = [{ type: 'function', function: { name: 'f' } }] as const
const ids = new Map(
  ['<|channel|>', '<|message|>', '<|call|>', '<|end|>', '<tool_call>', '</tool_call>'].map((token, at) => [token, at]),
)

/** The plan for a model whose template is this text. */
function plan(template: string, request: PlannedRequest) {
  const format = findReplyFormat(template, (token) => ids.get(token))
  return planReply(request, { name: 'm', info: { format } } as ServedModel)
}

const harmony = 'tools <|channel|> {% if reasoning_effort is not defined %}'
const hermes = 'tools <tool_call> {% if enable_thinking is defined %}'

describe('a plan of a reply', () => {
  test('ends it at a call where the model hands over there, or one call is asked for', () => {
    expect(plan(harmony, { tools }).marks.marks?.last).toEqual([ids.get('<|call|>')])
    expect(plan(hermes, { tools }).marks.marks?.last).toEqual([])
    expect(plan(hermes, { tools, parallel_tool_calls: false }).marks.marks?.last).toEqual([ids.get('</tool_call>')])
  })

  test.each([
    ['none', { reasoning_effort: 'low' }, { enable_thinking: false }],
    ['low', { reasoning_effort: 'low' }, { enable_thinking: true }],
    ['max', { reasoning_effort: 'high' }, { enable_thinking: true }],
  ])('gives the effort %s to templates by the switch that they have', (reasoning_effort, level, thinking) => {
    expect(plan(harmony, { reasoning_effort }).prompt.variables).toEqual(level)
    expect(plan(hermes, { reasoning_effort }).prompt.variables).toEqual(thinking)
    expect(plan('{{ messages }}', { reasoning_effort }).prompt.variables).toBeUndefined()
  })

  test('lets variables of the template come before what other options mean', () => {
    const chat_template_kwargs = { enable_thinking: true, preserve_thinking: true }
    const { variables } = plan(hermes, { reasoning_effort: 'none', chat_template_kwargs }).prompt
    expect(variables).toEqual(chat_template_kwargs)
  })

  test('marks no token, and parses nothing, for a model without formats', () => {
    const { structured, marks } = plan('{{ messages }}', {})
    expect([structured, marks]).toEqual([false, {}])
  })
})
