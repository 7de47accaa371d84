/** Replies of the stateless endpoints while they grow: one per prompt and choice. */
import type { Deps } from '../deps.ts'
import type { FinishReason, FirstToken, TokenLogprob } from '../engine/messages.ts'
import { runTurn, type NewTurn } from '../run-turn.ts'
import type { ServedModel } from '../served-model.ts'

/** A piece of reply `index`. `finish` marks its last piece. */
export interface Piece {
  readonly index: number
  readonly text: string
  readonly tokens: readonly (TokenLogprob | FirstToken)[]
  readonly finish: FinishReason | null
}

/** Who asks an endpoint that keeps nothing; `signal` aborts when the client has gone or the server has to stop. */
export interface StatelessCaller {
  readonly owner: string
  readonly signal: AbortSignal
}

export interface Totals {
  prompt: number
  completion: number
}

/**
 * The pieces of all replies of `turns`, as they come; index = prompt * choices + choice. Counts into `totals`.
 * With `echo` a reply begins with its prompt. If one turn fails, all are cancelled and the error is thrown.
 */
export async function* runChoices(
  deps: Deps,
  model: ServedModel,
  turns: readonly NewTurn[],
  options: { readonly signal: AbortSignal; readonly param: string; readonly echo: boolean; readonly totals: Totals },
): AsyncGenerator<Piece> {
  const abort = new AbortController()
  const signal = AbortSignal.any([options.signal, abort.signal])
  const streams = turns.map((turn, prompt) => pieces(deps, model, turn, prompt, { ...options, signal }))
  try {
    yield* merge(streams)
  } finally {
    abort.abort()
  }
}

async function* pieces(
  deps: Deps,
  model: ServedModel,
  turn: NewTurn,
  prompt: number,
  options: { readonly signal: AbortSignal; readonly param: string; readonly echo: boolean; readonly totals: Totals },
): AsyncGenerator<Piece> {
  const { totals, echo } = options
  const echoed: (TokenLogprob | FirstToken)[] = []
  const begun = new Set<number>()
  let promptText = ''
  const beginning = (choice: number): { text: string; tokens: (TokenLogprob | FirstToken)[] } => {
    if (!echo || begun.has(choice)) return { text: '', tokens: [] }
    begun.add(choice)
    return { text: promptText, tokens: echoed }
  }
  for await (const event of runTurn(deps, model, turn, { signal: options.signal }, options.param)) {
    if (event.kind === 'accepted') {
      totals.prompt += event.prompt.length
      promptText = event.promptText
    } else if (event.kind === 'prompt-logprobs') {
      echoed.push(...event.tokens)
    } else if (event.kind === 'text' || event.kind === 'done') {
      const { text, tokens } = beginning(event.choice)
      const index = prompt * turn.choices + event.choice
      if (event.kind === 'text') {
        yield { index, text: text + event.text, tokens: [...tokens, ...event.tokens], finish: null }
      } else {
        totals.completion += event.generated.length
        yield { index, text, tokens, finish: event.reason }
      }
    }
  }
}

/** Items of all streams in the order in which they come. Throws what the first failing one throws. */
async function* merge<T>(streams: readonly AsyncGenerator<T>[]): AsyncGenerator<T> {
  type Next = { readonly stream: AsyncGenerator<T>; readonly result: IteratorResult<T> }
  const advance = async (stream: AsyncGenerator<T>): Promise<Next> => ({ stream, result: await stream.next() })
  const pending = new Map(streams.map((stream) => [stream, advance(stream)]))
  // All begin at once; one that fails while another is awaited is seen when its turn comes.
  for (const next of pending.values()) next.catch(() => undefined)
  while (pending.size > 0) {
    const { stream, result } = await Promise.race(pending.values())
    if (result.done) pending.delete(stream)
    else {
      const next = advance(stream)
      next.catch(() => undefined)
      pending.set(stream, next)
      yield result.value
    }
  }
}
