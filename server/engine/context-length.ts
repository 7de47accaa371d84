/** How many tokens a conversation may have, and what a request that needs more is told. */

/**
 * Returns how many tokens a reply may have after a conversation of `tokens`: `maxTokens`, or what fits into
 * `contextLength` where that is less. Returns a sentence where there is no room for `leastTokens`. Null: no limit.
 */
export function fitContext(
  contextLength: number | null,
  tokens: number,
  maxTokens: number,
  leastTokens: number,
): number | string {
  if (contextLength === null || tokens + maxTokens <= contextLength) return maxTokens
  if (tokens + leastTokens <= contextLength) return contextLength - tokens
  const asked = leastTokens > 1 ? ` and ${leastTokens} are asked for` : ''
  return (
    `This model's maximum context length is ${contextLength} tokens; the conversation with this prompt has ${tokens}` +
    `${asked}. Shorten the prompt${leastTokens > 1 ? ', or ask for fewer tokens' : ''}.`
  )
}
