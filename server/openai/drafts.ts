/** What a request says about drafts of its replies. */
import type { NewTurn } from '../run-turn.ts'

export interface DraftedRequest {
  readonly 'speculative.n_max'?: number | null | undefined
  readonly prediction?: { readonly content: string | readonly { readonly text: string }[] } | null | undefined
  readonly seed?: number | null | undefined
  readonly mneme?: { readonly seed?: number | null | undefined } | null | undefined
}

/**
 * The drafts of a turn, of at most `most` tokens each; null for none. A request with a seed asks for the same reply each
 * time, and whether there are drafts depends on what else is computed: it has drafts only where it asks for them, too.
 * `history` are tokens of the conversation before the prompt.
 */
export function draftsOf(request: DraftedRequest, most: number, history: readonly number[]): NewTurn['drafts'] {
  const { 'speculative.n_max': asked, prediction, seed, mneme } = request
  const isSeeded = (seed ?? mneme?.seed) != null
  if (isSeeded && asked == null && prediction == null) return null
  const maxTokens = Math.min(asked ?? most, most)
  return maxTokens > 0 ? { maxTokens, prediction: textOf(prediction), history } : null
}

function textOf(prediction: DraftedRequest['prediction']): string | null {
  if (prediction == null) return null
  const { content } = prediction
  return typeof content === 'string' ? content : content.map(({ text }) => text).join('')
}
