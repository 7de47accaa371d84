/** The prompt of a completion: text, token ids, or a list of either. Reading stops at the first item that is wrong. */
import { z } from 'zod'
import type { Prompt } from '../engine/messages.ts'
import { MAX_REPLIES } from './fields.ts'

/** A prompt without roles. */
export type PlainPrompt = Extract<Prompt, { readonly kind: 'text' | 'ids' }>

/** Where a prompt is wrong, and what was expected there. */
interface Wrong {
  readonly path: readonly number[]
  readonly message: string
}

/**
 * Text, token ids, or a list of at most `most` of either, `called` so in errors. A union of arrays would check every item of a long list once for
 * each kind; this looks at each once.
 */
export const promptsSchema = (most: number, called: string) =>
  z
    .unknown()
    .transform((value, context): PlainPrompt[] => {
      const found = readPrompts(value, most, called)
      if (Array.isArray(found)) return found
      const { path, message } = found
      context.addIssue({ code: 'custom', path: [...path], message })
      return z.NEVER
    })
    .meta({
      anyOf: [
        { type: 'string' },
        { type: 'array', items: { type: 'integer', minimum: 0 }, minItems: 1 },
        { type: 'array', items: { type: 'string' }, minItems: 1, maxItems: most },
        {
          type: 'array',
          items: { type: 'array', items: { type: 'integer', minimum: 0 }, minItems: 1 },
          minItems: 1,
          maxItems: most,
        },
      ],
    })

export const promptSchema = promptsSchema(MAX_REPLIES, 'prompts')

function readPrompts(value: unknown, most: number, called: string): PlainPrompt[] | Wrong {
  if (typeof value === 'string') return [{ kind: 'text', text: value }]
  if (!Array.isArray(value)) return { path: [], message: 'expected a string, a list of token ids, or a list of either' }
  if (value.length === 0) return { path: [], message: `expected 1 to ${most} ${called}, got none` }
  if (typeof value[0] === 'number') return readIds(value, [])
  if (value.length > most) return { path: [], message: `expected 1 to ${most} ${called}, got ${value.length}` }
  const prompts: PlainPrompt[] = []
  for (const [i, one] of value.entries()) {
    const kind = typeof value[0]
    if (typeof one !== kind) return { path: [i], message: `expected ${nameOf(value[0])} as before it` }
    const found = typeof one === 'string' ? [{ kind: 'text' as const, text: one }] : readIds(one, [i])
    if (!Array.isArray(found)) return found
    prompts.push(...found)
  }
  return prompts
}

function readIds(value: unknown, path: readonly number[]): PlainPrompt[] | Wrong {
  if (!Array.isArray(value)) return { path, message: 'expected a string or a list of token ids' }
  if (value.length === 0) return { path, message: 'expected at least one token id, got none' }
  const wrong = value.findIndex((id) => !(Number.isSafeInteger(id) && id >= 0))
  if (wrong >= 0) return { path: [...path, wrong], message: 'expected a token id: a whole number from 0' }
  return [{ kind: 'ids', ids: value as number[] }]
}

function nameOf(value: unknown): string {
  return typeof value === 'string' ? 'a string' : 'a list of token ids'
}
