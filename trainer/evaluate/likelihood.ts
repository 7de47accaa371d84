/** How likely a server's model finds texts. */
import type { ServerClient } from './server-client.ts'
import { mean } from './telemetry/statistics.ts'

interface Completion {
  readonly choices: readonly { readonly index: number; readonly logprobs: EchoedPrompt }[]
  readonly usage: {
    readonly prompt_tokens: number
    readonly prompt_tokens_details: { readonly cached_tokens: number }
  }
}

/** What a server says of each token of a prompt. */
export interface EchoedPrompt {
  /** Of the first token nothing is known. */
  readonly token_logprobs: readonly (number | null)[]
  /** Where in the text each token begins. */
  readonly text_offset: readonly number[]
}

/** What the model says of each prompt, in their order, and the tokens that were computed, by POST /v1/completions with `echo`. */
export async function echoed(
  client: ServerClient,
  prompts: readonly string[],
): Promise<{ readonly found: EchoedPrompt[]; readonly tokens: number }> {
  const request = { model: await client.model(), prompt: prompts, max_tokens: 0, echo: true, logprobs: 0 }
  const { choices, usage } = await client.call<Completion>('/v1/completions', request)
  const found = choices.toSorted((a, b) => a.index - b.index).map(({ logprobs }) => logprobs)
  return { found, tokens: usage.prompt_tokens - usage.prompt_tokens_details.cached_tokens }
}

/**
 * The log-probability of each continuation of `prompt`, and the tokens that were computed for them. A token that begins in
 * the prompt and ends in the continuation counts as the prompt's, as in lm-evaluation-harness.
 */
export async function likelihoods(
  client: ServerClient,
  prompt: string,
  continuations: readonly string[],
): Promise<{ readonly logprobs: number[]; readonly tokens: number }> {
  const { found, tokens } = await echoed(
    client,
    continuations.map((text) => prompt + text),
  )
  const logprobs = found.map(({ token_logprobs: costs, text_offset: offsets }) =>
    costs.reduce<number>((sum, cost, i) => sum + (offsets[i]! >= prompt.length ? (cost ?? 0) : 0), 0),
  )
  return { logprobs, tokens }
}

/** Shares of the probability that the texts have together. */
export function normalised(logprobs: readonly number[]): number[] {
  const top = Math.max(...logprobs)
  const weights = logprobs.map((logprob) => Math.exp(logprob - top))
  const total = weights.reduce((sum, weight) => sum + weight, 0)
  return weights.map((weight) => weight / total)
}

/** How sure a model was of a reply, 0 to 1: exp of the mean log-probability of its tokens; null where it has none. */
export function confidenceOf(logprobs: readonly number[]): number | null {
  return logprobs.length > 0 ? Math.exp(mean(logprobs)) : null
}
