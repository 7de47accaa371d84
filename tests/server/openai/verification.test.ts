import { Ajv } from 'ajv'
import * as fc from 'fast-check'
import OpenAI from 'openai'
import { describe, expect, test } from 'vitest'
import { checkReply } from '../../../server/critic/check-reply.ts'
import type { SentenceVerdict } from '../../../server/critic/verdict.ts'
import { overall, verificationItem, withVerification, type Verification } from '../../../server/openai/verification.ts'

const facts = [
  {
    id: 'mem_1',
    subject: 'user',
    attribute: 'locker code',
    value: '4071',
    text: 'My locker code is 4071.',
    holds: true,
  },
]
const checked = (reply: string): Verification => {
  const verdicts = checkReply({ question: 'What is my locker code?', reply, facts })
  return { policy: 'annotate', action: 'keep', verdicts }
}
const failed: Verification = { error: { code: 'timeout', message: 'The reply was not checked within 100 ms.' } }

const index = { type: 'integer', minimum: 0 }
const verdict = { enum: ['supported', 'contradicted', 'unchecked'] }
const annotation = {
  type: 'object',
  required: ['type', 'memory_id', 'start_index', 'end_index'],
  properties: {
    type: { const: 'memory_citation' },
    memory_id: { type: 'string' },
    start_index: index,
    end_index: index,
  },
}
const sentence = {
  type: 'object',
  additionalProperties: false,
  required: ['start_index', 'end_index', 'verdict', 'invented', 'reason', 'annotations'],
  properties: {
    start_index: index,
    end_index: index,
    verdict,
    invented: { type: 'boolean' },
    reason: { type: 'string', minLength: 1 },
    annotations: { type: 'array', items: annotation },
  },
}
const error = { type: 'object', required: ['code', 'message'] }
const head = { id: { type: 'string' }, type: { const: 'mneme:verification' } }
/** Verdicts or an error, never both and never neither. */
const isItem = new Ajv({ strict: false }).compile({
  oneOf: [
    {
      additionalProperties: false,
      required: ['id', 'type', 'status', 'policy', 'action', 'result', 'verdicts'],
      properties: {
        ...head,
        status: { const: 'completed' },
        policy: { type: 'string' },
        action: { type: 'string' },
        result: verdict,
        verdicts: { type: 'array', items: sentence },
      },
    },
    {
      additionalProperties: false,
      required: ['id', 'type', 'status', 'error'],
      properties: { ...head, status: { const: 'failed' }, error },
    },
  ],
})

describe('the output item of a verification', () => {
  test('has the place, the verdict and the facts of each sentence', () => {
    const item = verificationItem('vf_1', checked('Sure. Your locker code is 4017.'))
    expect(isItem(item)).toBe(true)
    expect(item).toMatchObject({
      id: 'vf_1',
      status: 'completed',
      result: 'contradicted',
      verdicts: [
        { verdict: 'unchecked', annotations: [] },
        {
          start_index: 6,
          end_index: 31,
          verdict: 'contradicted',
          annotations: [{ type: 'memory_citation', memory_id: 'mem_1', start_index: 6, end_index: 31 }],
        },
      ],
    })
  })

  test('of a check that failed has an error, and neither verdicts nor a result', () => {
    const item = verificationItem('vf_1', failed)
    expect(isItem(item)).toBe(true)
    expect(Object.keys(item)).toEqual(['id', 'type', 'status', 'error'])
  })

  test('of any reply has the same shape', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 200 }), (reply) =>
        isItem(verificationItem('v', checked(reply))),
      ),
    )
  })
})

const one = (verdict: SentenceVerdict['verdict'], invented = false): SentenceVerdict => {
  return { text: 'a', start: 0, end: 1, verdict, facts: [], reason: 'a test', invented, topic: null }
}

test('a reply is supported only where a sentence is, none is contradicted and none is invented', () => {
  expect(overall([])).toBe('unchecked')
  expect(overall([one('unchecked')])).toBe('unchecked')
  expect(overall([one('unchecked'), one('supported')])).toBe('supported')
  expect(overall([one('unchecked', true), one('supported')])).toBe('unchecked')
  expect(overall([one('supported'), one('contradicted')])).toBe('contradicted')
})

describe('the echo in metadata', () => {
  test('says the verdict of the reply and of each sentence, or that it was not checked', () => {
    expect(withVerification({ a: 'b' }, checked('Sure. Your locker code is 4017.'))).toEqual({
      a: 'b',
      mneme_verification: 'contradicted; 1:unchecked 2:contradicted',
    })
    expect(withVerification({}, failed)['mneme_verification']).toBe(
      'error: timeout: The reply was not checked within 100 ms.',
    )
  })

  test('has at most 512 characters, none of them cut', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', minLength: 490, maxLength: 600 }), (message) => {
        const echo = withVerification({}, { error: { code: 'c', message } })['mneme_verification']!
        expect(echo.length).toBeLessThanOrEqual(512)
        // A half of a surrogate pair would not come back the same from UTF-8.
        expect(Buffer.from(echo).toString()).toBe(echo)
      }),
    )
    const verdicts = Array.from({ length: 200 }, () => one('unchecked'))
    expect(withVerification({}, { policy: 'annotate', action: 'keep', verdicts })['mneme_verification']).toHaveLength(
      512,
    )
  })

  test('never takes the place of one of 16 pairs of the client', () => {
    const full = Object.fromEntries(Array.from({ length: 16 }, (_, i) => [`k${i}`, 'v']))
    expect(withVerification(full, failed)).toEqual(full)
  })
})

test('the official client reads a response with the item, its text and its metadata', async () => {
  const message = {
    id: 'msg_1',
    type: 'message',
    role: 'assistant',
    status: 'completed',
    content: [{ type: 'output_text', text: 'Your locker code is 4017.', annotations: [] }],
  }
  const verification = checked('Your locker code is 4017.')
  const body = {
    id: 'resp_1',
    object: 'response',
    created_at: 1,
    status: 'completed',
    model: 'keeper',
    output: [message, verificationItem('vf_1', verification)],
    metadata: withVerification({}, verification),
  }
  const client = new OpenAI({ apiKey: 'k', fetch: () => Promise.resolve(Response.json(body)) })
  const request = { model: 'keeper', input: 'What is my locker code?' }
  const response = await client.responses.create(request)
  expect(response.output_text).toBe('Your locker code is 4017.')
  expect(response.output.at(-1)).toMatchObject({ type: 'mneme:verification', result: 'contradicted' })
  expect(response.metadata?.['mneme_verification']).toBe('contradicted; 1:contradicted')
  expect((await client.responses.parse(request)).output_text).toBe('Your locker code is 4017.')
})
