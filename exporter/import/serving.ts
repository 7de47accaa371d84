/** How an imported decoder is served. */
import type { Manifest } from '../../runtime/bundle.ts'

/** Tokens of one prefill call: products of so many rows are fast, and other requests wait no longer. */
export const PREFILL_CHUNK = 128

/** What generation_config.json says of sampling, as far as a manifest holds it. */
export function generationOf(given: Readonly<Record<string, unknown>>): Manifest['generation'] {
  const { do_sample: samples, temperature, top_p: topP } = given
  if (samples === false) return { temperature: 0 }
  return {
    ...(typeof temperature === 'number' && temperature >= 0 ? { temperature } : {}),
    ...(typeof topP === 'number' && topP > 0 && topP <= 1 ? { top_p: topP } : {}),
  }
}
