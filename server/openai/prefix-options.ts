/** What a request says about the prefix cache. */
import type { PrefixOptions } from '../prefix-cache/prefix-cache.ts'

interface PrefixFields {
  readonly store?: boolean | null | undefined
  readonly prompt_cache_key?: string | null | undefined
  readonly prompt_cache_retention?: string | null | undefined
}

/** Of a stateless request: what is stored of one is its prefixes. */
export function prefixOptions(request: PrefixFields): PrefixOptions {
  const { store, prompt_cache_key: key, prompt_cache_retention: retention } = request
  return { group: key ?? null, durable: store === true || retention === '24h' }
}
