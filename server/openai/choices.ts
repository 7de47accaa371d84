/** Replies of the stateless endpoints while they grow: one per prompt and choice. */
import type { Deps } from '../deps.ts'
import type { ExitCounts } from '../engine/exit-drafter.ts'
import type { FinishReason, FirstToken, TokenLogprob } from '../engine/messages.ts'
import { countSuccess, runTurn, type NewTurn } from '../run-turn.ts'
import type { ServedModel } from '../served-model.ts'
import { addExits } from './exits.ts'
import { merge } from './merge.ts'

/** A piece of reply `index`. The first one of each reply comes as soon as its prompt is known to fit. */
export interface Piece {
  readonly kind: 'piece'
  readonly index: number
  readonly text: string
  readonly tokens: readonly (TokenLogprob | FirstToken)[]
  /** Marks the last piece. */
  readonly finish: FinishReason | null
  /** With the last piece: the token that ended the reply, which has no text, if log-probabilities were asked for. */
  readonly end: TokenLogprob | null
  /** With the last piece: the tokens of the reply. */
  readonly generated: readonly number[]
  /** With the first piece: whether the prompt ends within reasoning that it has begun. */
  readonly begins: { readonly inReasoning: boolean } | null
}

/** So many tokens of a prompt have been computed. */
export interface Progress {
  readonly kind: 'progress'
  readonly prefilled: number
  readonly total: number
}

/** Who asks an endpoint that keeps nothing; `signal` aborts when the client has gone or the server has to stop. */
export interface StatelessCaller {
  readonly owner: string
  readonly signal: AbortSignal
}

export interface Totals {
  prompt: number
  /** Tokens of the prompts that were not computed again. */
  cached: number
  completion: number
  /** Tokens of reasoning, of chats. */
  reasoning?: number
  /** Tokens of drafts out of the request's prediction, where it had one. */
  readonly predicted?: { accepted: number; rejected: number }
  /** What early exits did; null or absent where there were none. */
  exits?: ExitCounts | null
}

export interface ChoiceOptions {
  readonly signal: AbortSignal
  /** The parameter that the prompts came in. */
  readonly param: string
  /** Begin each reply with its prompt. */
  readonly echo: boolean
  /** Counts the tokens. */
  readonly totals: Totals
}

/**
 * The pieces of all replies of `turns`, as they come; index = prompt * choices + choice.
 * If one turn fails, all are cancelled and the error is thrown.
 */
export async function* runChoices(
  deps: Deps,
  model: ServedModel,
  turns: readonly NewTurn[],
  options: ChoiceOptions,
): AsyncGenerator<Piece | Progress> {
  const abort = new AbortController()
  const cancel = (): void => abort.abort()
  if (options.signal.aborted) cancel()
  options.signal.addEventListener('abort', cancel, { once: true })
  const inner = { ...options, signal: abort.signal }
  try {
    yield* merge(turns.map((turn, prompt) => piecesOf(deps, model, turn, prompt * turn.choices, inner)))
  } finally {
    options.signal.removeEventListener('abort', cancel)
    cancel()
  }
}

/** The pieces of one turn's replies, the first of which has index `first`. */
async function* piecesOf(
  deps: Deps,
  model: ServedModel,
  turn: NewTurn,
  first: number,
  { signal, param, echo, totals }: ChoiceOptions,
): AsyncGenerator<Piece | Progress> {
  const pieces = (text: string, tokens: Piece['tokens']): Piece[] =>
    Array.from({ length: turn.choices }, (_, choice) => piece(first + choice, text, tokens))
  for await (const event of runTurn(deps, model, turn, { signal }, param)) {
    if (event.kind === 'accepted') {
      totals.prompt += event.prompt.length
      totals.cached += event.prefix?.cached ?? 0
      const { inReasoning } = event
      for (const one of pieces(echo ? event.promptText : '', [])) yield { ...one, begins: { inReasoning } }
    } else if (event.kind === 'progress') {
      yield { kind: 'progress', prefilled: event.prefilled, total: event.total }
    } else if (event.kind === 'prompt-logprobs') {
      if (echo) yield* pieces('', event.tokens)
    } else if (event.kind === 'text') {
      yield piece(first + event.choice, event.text, event.tokens)
    } else if (event.kind === 'done') {
      totals.completion += event.generated.length
      if (totals.predicted && event.drafts) {
        totals.predicted.accepted += event.drafts.predictionAccepted
        totals.predicted.rejected += event.drafts.predictionRejected
      }
      totals.exits = addExits(totals.exits ?? null, event.exits)
      countSuccess(deps, event)
      yield { ...piece(first + event.choice, '', []), finish: event.reason, end: event.end, generated: event.generated }
    }
  }
}

function piece(index: number, text: string, tokens: Piece['tokens']): Piece {
  return { kind: 'piece', index, text, tokens, finish: null, end: null, begins: null, generated: [] }
}
