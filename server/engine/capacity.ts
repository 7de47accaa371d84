/** How much memory the states of sequences get, by the tokens that they have. */

/** Fewest positions that memory is set aside for; it doubles from there. */
export const SMALLEST_CAPACITY = 256

/** Positions to set aside in append entries for a sequence of so many tokens. */
export function capacityFor(tokens: number): number {
  let capacity = SMALLEST_CAPACITY
  while (capacity < tokens) capacity *= 2
  return capacity
}
