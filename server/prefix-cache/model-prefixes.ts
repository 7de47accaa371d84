/** The prefix cache as the engine of one bundle sees it. */
import { CachedPrompt, type Reencode } from './cached-prompt.ts'
import type { PrefixCache, PrefixOptions } from './prefix-cache.ts'

/** Looks a prompt up; null where nothing is cached. */
export type OpenPrompt = (
  owner: string,
  options: PrefixOptions,
  reencode: Reencode,
  tokens: readonly number[],
) => Promise<CachedPrompt | null>

export function prefixesOf(cache: PrefixCache | null, bundle: string): OpenPrompt {
  return async (owner, options, reencode, tokens) =>
    cache && CachedPrompt.open(cache, { owner, bundle }, options, reencode, tokens)
}
