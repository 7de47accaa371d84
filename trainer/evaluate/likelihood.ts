/** How likely a server's model finds texts after a prompt. */
import type { ServerClient } from './server-client.ts'

interface Completion {
  readonly choices: readonly {
    readonly index: number
    readonly logprobs: {
      readonly token_logprobs: readonly (number | null)[]
      readonly text_offset: readonly number[]
    }
  }[]
  readonly usage: {
    readonly prompt_tokens: number
    readonly prompt_tokens_details: { readonly cached_tokens: number }
  }
}

export interface Likelihood {
  /** Log-probability of the continuation, a sum over its tokens. */
  readonly logprob: number
  readonly tokens: number
}

/**
 * The log-probability of each continuation of `prompt`, and the tokens that were read for them, by POST /v1/completions with `echo`. A token that begins in the
 * prompt and ends in the continuation counts as the prompt's, as in lm-evaluation-harness.
 */
export async function likelihoods(
  client: ServerClient,
  prompt: string,
  continuations: readonly string[],
): Promise<{ readonly found: Likelihood[]; readonly tokens: number }> {
  const texts = continuations.map((text) => prompt + text)
  const request = { model: await client.model(), prompt: texts, max_tokens: 0, echo: true, logprobs: 0 }
  const { choices, usage } = await client.call<Completion>('/v1/completions', request)
  const found = continuations.map((): Likelihood => ({ logprob: 0, tokens: 0 }))
  for (const { index, logprobs } of choices) {
    const { token_logprobs: costs, text_offset: offsets } = logprobs
    const own = costs.filter((cost, i): cost is number => cost !== null && offsets[i]! >= prompt.length)
    found[index] = { logprob: own.reduce((sum, cost) => sum + cost, 0), tokens: own.length }
  }
  const { prompt_tokens: read, prompt_tokens_details: details } = usage
  return { found, tokens: read - details.cached_tokens }
}

/** Shares of the probability that the texts have together. */
export function normalised(logprobs: readonly number[]): number[] {
  const top = Math.max(...logprobs)
  const weights = logprobs.map((logprob) => Math.exp(logprob - top))
  const total = weights.reduce((sum, weight) => sum + weight, 0)
  return weights.map((weight) => weight / total)
}
