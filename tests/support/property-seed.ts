/**
 * The seed of all property tests. Everywhere a run draws its own and prints it where a property fails; CI sets
 * FAST_CHECK_SEED, so that one commit gives one answer.
 */
const seed = process.env['FAST_CHECK_SEED']
if (seed !== undefined) {
  const { default: fc } = await import('fast-check')
  fc.configureGlobal({ seed: Number(seed) })
}
